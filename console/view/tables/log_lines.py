"""Log lines as rows: one for each line, or as many as its message needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from console.domain import StackFacts
from console.invocations import aws
from console.telemetry import LogLine
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Role
from console.view.table import Column, Kind, Look
from console.view.table_lines import layout
from console.view.wrap import broken

ERROR = "ERROR"
ROLES = {ERROR: Role.ALARM, "WARNING": Role.WARN, "INFO": Role.MUTED, "DEBUG": Role.MUTED}
WORDS = {"WARNING": "WARN"}
MILLISECOND = slice(11, 23)
"""Of an ISO time: `12:04:09.123`."""


def level_word(level: str, glyphs: Glyphs) -> str:
    """Glyph and word in seven cells; nothing of a line that names no level."""
    glyph = {ERROR: glyphs.alarm, "WARNING": glyphs.warn}.get(level, " ")
    return f"{glyph} {WORDS.get(level, level)}" if level else ""


def is_error(each: LogLine) -> bool:
    """Whether it tells of something that failed."""
    return each.level == ERROR


def message_role(each: LogLine) -> Role:
    """What failed stands out."""
    return Role.STRONG if is_error(each) else Role.PLAIN


def command(each: LogLine, stack: StackFacts) -> Sequence[str]:
    """The lines of its group in its second."""
    start = int(each.at) * 1000
    words = ("logs", "filter-log-events", "--log-group-name", each.group)
    return aws(stack, *words, "--start-time", str(start), "--end-time", str(start + 999))


def _time(each: LogLine) -> str:
    return fmt.stamp(each.at)[MILLISECOND]


KIND: Kind[LogLine] = Kind(
    name="logs",
    columns=(
        Column("time", 12, lambda each, _: _time(each), key=lambda each: each.at, role=lambda _: Role.MUTED),
        Column(
            "level",
            7,
            lambda each, look: level_word(each.level, look.glyphs),
            role=lambda e: ROLES.get(e.level, Role.PLAIN),
        ),
        Column("group", 18, lambda each, _: each.function, role=lambda _: Role.ACCENT),
        Column("message", 0, lambda each, _: each.message, role=message_role),
    ),
    id=lambda each: each.id,
    command=command,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line's message, the first of them numbered 0."""

    line: LogLine
    number: int
    text: str


def _first(text: str, piece: Piece) -> str:
    return "" if piece.number else text


def _beside_first(column: Column[LogLine]) -> Column[Piece]:
    """The same column for pieces: it says something beside the first piece of a line only."""

    def text(piece: Piece, look: Look) -> str:
        return _first(column.text(piece.line, look), piece)

    return Column(column.name, column.width, text, role=lambda piece: column.role(piece.line))


def of_one_group(kind: Kind[LogLine]) -> Kind[LogLine]:
    """The same without the column that would say the same in each row."""
    return replace(kind, columns=tuple(column for column in kind.columns if column.name != "group"))


def in_pieces(kind: Kind[LogLine]) -> Kind[Piece]:
    """The same for lines that are broken into pieces."""
    message: Column[Piece] = Column(
        "message", 0, lambda piece, _: piece.text, role=lambda piece: message_role(piece.line)
    )
    return Kind(
        name=kind.name,
        columns=(*(_beside_first(column) for column in kind.columns[:-1]), message),
        id=lambda piece: f"{piece.line.id} {piece.number}",
    )


class Wrapping:
    """Pieces of lines for a table of some width; what was broken once is remembered."""

    def __init__(self, kind: Kind[LogLine]) -> None:
        self._columns = kind.columns
        self._cells = 0
        self._known: dict[str, tuple[Piece, ...]] = {}

    def pieces(self, lines: Iterable[LogLine], width: int) -> list[Piece]:
        """All pieces, in the order of the lines, for a table of `width` cells."""
        cells = max(1, {column.name: cells for column, cells in layout(self._columns, width)}.get("message", width))
        known = self._known if cells == self._cells else {}
        self._cells = cells
        self._known = {each.id: known.get(each.id) or _pieces(each, cells) for each in lines}
        return [piece for pieces in self._known.values() for piece in pieces]


def _pieces(each: LogLine, cells: int) -> tuple[Piece, ...]:
    return tuple(Piece(each, number, text) for number, text in enumerate(broken(each.message, cells)))
