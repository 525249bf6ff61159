"""Runbooks: the page that an alarm names, read from the repository where the console runs beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.text import safe

FOLDER = Path("docs/runbooks")
INDEX = "README"
MAX_BYTES = 200_000
_PAGE = re.compile(r"(?:docs/runbooks/)?(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,99})(?:\.md)?")

_LINK = re.compile(r"\]\(([^)\s#]+)\)")
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Runbook:
    """One page: `text` is its Markdown, empty where it is not on this machine; `where` its path or address."""

    name: str
    where: str
    text: str


def roots() -> tuple[Path, ...]:
    """Where the repository may be: around this package, or the working directory."""
    return (Path(__file__).resolve().parents[2], Path.cwd())


def page_name(runbook: str) -> str:
    """The name of the page that an alarm's `runbook` stands for; empty for an address, or what is no page of ours."""
    found = _PAGE.fullmatch(runbook)
    return found["name"] if found else ""


def read_runbook(runbook: str, folders: Sequence[Path] | None = None) -> Runbook:
    """The page that an alarm's `runbook` (a path or a URL: foreign text) stands for; only pages of `FOLDER` are read.

    A page that is not here has no text: its path is still right in the repository of the deployed release.
    """
    name = page_name(runbook)
    if not name:
        return Runbook(runbook, runbook, "")
    path = FOLDER / f"{name}.md"
    return Runbook(name, str(path), safe(_first(path, roots() if folders is None else folders), MAX_BYTES))


def linked_pages(text: str) -> tuple[str, ...]:
    """The pages of ours that a page links to, in its order."""
    names = (page_name(found[1]) for found in _LINK.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name))


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with each `$NAME` that `variables` knows as its value: commands to be run as they stand."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or found[0], text)


def _first(path: Path, folders: Iterable[Path]) -> str:
    for folder in folders:
        try:
            with (folder / path).open(encoding="utf-8") as page:
                return page.read(MAX_BYTES)
        except (OSError, UnicodeDecodeError):
            continue
    return ""
