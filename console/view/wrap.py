"""Lines broken at blanks to the width of what shows them; roles stay with their words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from rich.cells import cell_len

from console.view.segments import Line, Segment, width

_PIECE = re.compile(r"\s+|\S+")


def wrap(words: Line, cells: int, *, indent: int = 0) -> list[Line]:
    """`words` as lines of at most `cells` (2 or more), all but the first after `indent` blanks.

    A word longer than that is cut.
    """
    cells, indent = max(2, cells), max(0, min(indent, cells // 2, cells - 2))
    lines: list[list[Segment]] = [[]]
    used = 0
    for word in _words(words, cells - indent):
        size = width(word)
        if used + size > cells:
            lines.append([Segment(" " * indent)] if indent else [])
            used = indent
            if word[0].text.isspace():
                continue
        lines[-1] += word
        used += size
    return [_joined(each) for each in lines]


def broken(text: str, cells: int) -> list[str]:
    """`wrap` for text without roles, quick enough for thousands."""
    if not text.isascii():
        return ["".join(segment.text for segment in each) for each in wrap((Segment(text),), cells)]
    pieces = []
    while len(text) > cells:
        blank = text.rfind(" ", 1, cells + 1)
        pieces.append(text[: blank if blank > 0 else cells])
        text = text[len(pieces[-1]) :].lstrip()
    return [*pieces, text]


def _words(words: Line, most: int) -> Iterator[Line]:
    """Runs of blanks and of anything else, the latter across segments and no wider than `most`."""
    pieces = (segment._replace(text=found) for segment in words for found in _PIECE.findall(segment.text))
    for _, run in itertools.groupby(pieces, key=lambda piece: piece.text.isspace()):
        yield from _cut(tuple(run), most)


def _cut(word: Line, most: int) -> Iterator[Line]:
    if width(word) <= most:
        yield word
        return
    part: list[Segment] = []
    used = 0
    for segment in word:
        for character in segment.text:
            size = cell_len(character)
            if part and used + size > most:
                yield _joined(part)
                part, used = [], 0
            part.append(segment._replace(text=character))
            used += size
    yield _joined(part)


def _joined(pieces: list[Segment]) -> Line:
    """The line with equal neighbours as one, and no blanks at its end."""
    while pieces and pieces[-1].text.isspace() and not pieces[-1].badge and len(pieces) > 1:
        pieces = pieces[:-1]
    joined: list[Segment] = []
    for each in pieces:
        if joined and joined[-1][1:] == each[1:]:
            joined[-1] = each._replace(text=joined[-1].text + each.text)
        else:
            joined.append(each)
    return tuple(joined)
