"""The words of the view: lines of (text, role) pairs; a role becomes a colour in the theme, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len

from console.text import ELLIPSIS, fit


class Role(StrEnum):
    """What a piece of text means; only abnormal things are saturated."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"
    NODATA = "nodata"
    ACHIEVED = "achieved"
    TARGET = "target"
    THIRD = "third"
    FOURTH = "fourth"
    CHANGED = "changed"


class Segment(NamedTuple):
    """A piece of one line; `badge` asks for reversed colours, so that it reads without any colour.

    `shade` asks for the background of what is set off from the rest.
    """

    text: str
    role: Role = Role.PLAIN
    badge: bool = False
    shade: bool = False


Line = tuple[Segment, ...]


def plain(line: Line) -> str:
    """The line without roles."""
    return "".join(segment.text for segment in line)


def width(line: Line) -> int:
    """Terminal cells of the line."""
    return sum(cell_len(segment.text) for segment in line)


def pad(text: str, cells: int) -> str:
    """`text` cut or filled with spaces to exactly `cells`."""
    text = fit(text, cells)
    return text + " " * max(0, cells - cell_len(text))


def pad_left(text: str, cells: int) -> str:
    """The same, aligned right (numbers)."""
    text = fit(text, cells)
    return " " * max(0, cells - cell_len(text)) + text


def pad_tail(text: str, cells: int) -> str:
    """`text` filled to `cells`, or its last cells: what tells ids of one campaign apart stands at their end."""
    if cell_len(text) <= cells:
        return pad(text, cells)
    while text and cell_len(text) > cells - 1:
        text = text[1:]
    return pad(ELLIPSIS + text, cells)


def cut(line: Line, cells: int) -> Line:
    """The line cut to `cells`."""
    kept: list[Segment] = []
    left = cells
    for segment in line:
        size = cell_len(segment.text)
        if size > left:
            if left > 0:
                kept.append(segment._replace(text=fit(segment.text, left)))
            break
        kept.append(segment)
        left -= size
    return tuple(kept)


def spread(left: Line, right: Line, cells: int) -> Line:
    """`left` and `right` at the two ends of `cells`; the left one gives way."""
    room = cells - width(right)
    left = cut(left, max(0, room - 1))
    return (*left, Segment(" " * max(0, room - width(left))), *right)


def line(*pieces: str | Segment | tuple[str, Role]) -> Line:
    """A line from texts, (text, role) pairs and segments."""
    return tuple(
        Segment(piece)
        if isinstance(piece, str)
        else piece
        if isinstance(piece, Segment)
        else Segment(piece[0], piece[1])
        for piece in pieces
    )


def text_of(lines: Iterable[Line]) -> str:
    """Lines as plain text (for commands without a screen)."""
    return "\n".join(plain(each).rstrip() for each in lines)
