"""The pictures of the docs: each is there, named where somebody looks, free of addresses, and what the code draws."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tools.pictures import PICTURES, TABLE, Picture, draw

ROOT = PICTURES.parent.parent


def test_every_picture_is_there_and_none_is_left_over() -> None:
    assert {path.name for path in PICTURES.iterdir()} == {f"{picture.name}.svg" for picture in TABLE}


def test_every_picture_is_shown_in_the_docs() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    assert [picture.name for picture in TABLE if f"pictures/{picture.name}.svg" not in pages] == []


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_asks_nobody_for_anything(path: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", path.read_text(encoding="utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("picture", [each for each in TABLE if not each.steady], ids=lambda picture: picture.name)
def test_a_picture_is_what_the_code_draws(picture: Picture) -> None:
    """A look that was not meant fails here; one that was is taken over by `make pictures`. Pictures that wait by the
    clock on the wall are left to `python -m tools.pictures --check`."""
    drawn = asyncio.run(draw(picture))
    assert drawn == (PICTURES / f"{picture.name}.svg").read_text(encoding="utf-8")
    assert "LIVE" in drawn.replace("&#160;", " ")
