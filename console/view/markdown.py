"""Markdown as lines: the part of it that runbooks are written in, for reading on a terminal."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from console.view.segments import Line, Role, Segment, line, width
from console.view.wrap import wrap

_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"(\s*(?:[-*]|\d+\.)\s+)(.*)")
_RULE = re.compile(r"\|[\s:|-]+")
_INLINE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<link>[^\]]*)\]\([^)\s]*\)")
_FENCE = "```"
CODE_INDENT = 4
GAP, LEAST_CELLS = 2, 8
"""Blanks between two columns of a table; none is made narrower than this."""


class Kind(StrEnum):
    """What a block of lines is."""

    HEADING = "heading"
    CODE = "code"
    TABLE = "table"
    ITEM = "item"
    TEXT = "text"


Block = tuple[Kind, list[str]]


def markdown_lines(text: str, cells: int) -> list[Line]:
    """`text` as lines of at most `cells`: headings, paragraphs, lists, tables and code, broken where they must be."""
    lines: list[Line] = []
    before: Kind | None = None
    for kind, block in _blocks(text.replace("\t", "    ").split("\n")):
        drawn = _DRAWN[kind](block, cells)
        if not any(drawn):
            continue
        if before is not None and not (before is kind is Kind.ITEM):
            lines.append(())
        lines += drawn
        before = kind
    return lines


def _blocks(rows: Sequence[str]) -> list[Block]:
    """Blocks in order; what is indented by `CODE_INDENT` after an empty line is code, also within a list."""
    blocks: list[Block] = []
    fenced = False
    after_blank = True
    for row in rows:
        if row.strip().startswith(_FENCE):
            fenced = not fenced
            if fenced:
                blocks.append((Kind.CODE, []))
            after_blank = True
            continue
        if fenced:
            blocks[-1][1].append(row)
            continue
        if not row.strip():
            after_blank = True
            continue
        _take(blocks, row, after_blank)
        after_blank = blocks[-1][0] is Kind.HEADING
    return blocks


def _take(blocks: list[Block], row: str, after_blank: bool) -> None:
    indented = len(row) - len(row.lstrip()) >= CODE_INDENT
    last = blocks[-1][0] if blocks else None
    if indented and (after_blank or last is Kind.CODE):
        if last is Kind.CODE:
            blocks[-1][1].extend([""] * after_blank + [row])
        else:
            blocks.append((Kind.CODE, [row]))
    elif heading := _HEADING.fullmatch(row):
        blocks.append((Kind.HEADING, [heading[1]]))
    elif _ITEM.fullmatch(row):
        blocks.append((Kind.ITEM, [row]))
    else:
        kind = Kind.TABLE if row.startswith("|") else Kind.TEXT
        goes_on = kind is last or (kind is Kind.TEXT and last is Kind.ITEM)
        if goes_on and not after_blank:
            blocks[-1][1].append(row)
        else:
            blocks.append((kind, [row]))


def _heading(block: list[str], cells: int) -> list[Line]:
    return wrap(inline(block[0], Role.STRONG), cells)


def _text(block: list[str], cells: int) -> list[Line]:
    margin = len(block[0]) - len(block[0].lstrip())
    words = inline(" ".join(row.strip() for row in block))
    return wrap(line(" " * margin, *words), cells, indent=margin)


def _item(block: list[str], cells: int) -> list[Line]:
    found = _ITEM.fullmatch(block[0])
    assert found is not None
    words = " ".join([found[2], *(row.strip() for row in block[1:])])
    return wrap(line((found[1], Role.MUTED), *inline(words)), cells, indent=len(found[1]))


def _code(block: list[str], cells: int) -> list[Line]:
    margin = min((len(row) - len(row.lstrip()) for row in block if row.strip()), default=0)
    rows = [wrap(line((f"  {row[margin:]}", Role.ACCENT)), cells, indent=4) for row in block]
    return list(itertools.chain.from_iterable(rows))


def _table(block: list[str], cells: int) -> list[Line]:
    rows = [[inline(cell.strip()) for cell in row.strip().strip("|").split("|")] for row in block if not _rule(row)]
    rows = [row for row in rows if any(row)]
    columns = max((len(row) for row in rows), default=0)
    grid = [row + [()] * (columns - len(row)) for row in rows]
    widths = _widths([max(width(row[place]) for row in grid) for place in range(columns)], cells)
    lines: list[Line] = []
    for number, row in enumerate(grid):
        wrapped = [wrap(cell, size) for cell, size in zip(row, widths, strict=True)]
        for parts in itertools.zip_longest(*wrapped, fillvalue=()):
            lines.append(_beside(parts, widths, Role.STRONG if number == 0 else None))
    return lines


def _rule(row: str) -> bool:
    return _RULE.fullmatch(row.strip()) is not None


def _widths(wanted: list[int], cells: int) -> list[int]:
    """The columns' widths: the widest gives way until the table fits."""
    widths = [max(1, each) for each in wanted]
    while sum(widths) + GAP * (len(widths) - 1) > cells and max(widths) > LEAST_CELLS:
        widths[widths.index(max(widths))] -= 1
    return widths


def _beside(parts: Iterable[Line], widths: list[int], role: Role | None) -> Line:
    pieces: list[Segment] = []
    for part, size in zip(parts, widths, strict=True):
        pieces += [each if role is None else each._replace(role=role) for each in part]
        pieces.append(Segment(" " * (size - width(part) + GAP)))
    return tuple(pieces[:-1])


_DRAWN: Mapping[Kind, Callable[[list[str], int], list[Line]]] = {
    Kind.HEADING: _heading,
    Kind.CODE: _code,
    Kind.TABLE: _table,
    Kind.ITEM: _item,
    Kind.TEXT: _text,
}


def inline(text: str, role: Role = Role.PLAIN) -> Line:
    """One paragraph: code and links accented, bold strong."""
    pieces: list[Segment] = []
    place = 0
    for found in _INLINE.finditer(text):
        if found.start() > place:
            pieces.append(Segment(text[place : found.start()], role))
        if found["code"] is not None:
            pieces.append(Segment(found["code"], Role.ACCENT))
        elif found["bold"] is not None:
            pieces.append(Segment(found["bold"], Role.STRONG))
        else:
            pieces.append(Segment(found["link"], Role.ACCENT))
        place = found.end()
    if place < len(text):
        pieces.append(Segment(text[place:], role))
    return tuple(pieces)
