"""The pictures of the docs: each is there, named where somebody looks, free of addresses, and drawn the same twice."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tools.pictures import PICTURES, TABLE, draw

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


@pytest.mark.parametrize("name", ["overview", "alarms"])
def test_a_picture_is_drawn_the_same_twice(name: str) -> None:
    picture = next(each for each in TABLE if each.name == name)
    first, second = (asyncio.run(draw(picture)) for _ in range(2))
    assert first == second
    assert "LIVE" in first.replace("&#160;", " ")
