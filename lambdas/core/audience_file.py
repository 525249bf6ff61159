"""An uploaded audience as recipients: CSV with a header line, or JSON lines, row by row in bounded memory.

A row that cannot be read becomes an excluded row under the number of its line; what makes all rows doubtful raises
`AudienceError`. CSV is RFC 4180 in UTF-8: commas, quotes doubled inside quotes, line ends inside quotes. Its header
names the recipient's own fields; every other column is a variable. An empty cell is one that is not given, a cell of
`channels` has several with blanks between them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.core.audience_lines import (
    MAX_LINE_BYTES,
    AudienceError,
    AudienceFormat,
    Line,
    Position,
    decoded,
    split_lines,
)
from lambdas.core.campaign_request import MAX_VARIABLES, Recipient, parse_recipient
from lambdas.core.channels import Channel
from lambdas.core.content import FIELDS, Content
from lambdas.core.plan_row import ExcludedRow, Exclusion, Row

MAX_ROWS = 1_000_000
"""Recipients of one campaign: what a plan's tables are sized for."""
MAX_RECORD_LINES = 1_000
RECIPIENT_FIELDS = frozenset({"customer_id", "selected_channel", "channels", "phone", "email", "timezone"}) | FIELDS
"""Columns of a CSV file that are no variables."""
_VARIABLE_NAME = re.compile(r"\w{1,64}")
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AudienceTerms:
    """What a campaign says for rows that do not say it themselves; no `channel` where each row names its own.

    `needed` are the variables without which no message can be made of the template that it names for a channel.
    """

    defaults: Mapping[Channel, Content]
    channel: Channel | None = None
    needed: Mapping[Channel, Collection[str]] = field(default_factory=dict)


class AudienceFile:
    """Iterates over the rows of a file; `position` and `columns` are what another process needs to go on from there."""

    def __init__(
        self,
        chunks: Iterable[bytes],
        format: AudienceFormat,
        terms: AudienceTerms,
        *,
        start: Position | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        self._terms = terms
        self._feed = _Feed(split_lines(chunks, start or Position()), start or Position())
        self.columns: tuple[str, ...] = tuple(columns)
        self._checked = set[Channel]()
        self._rows = self._csv_rows() if format is AudienceFormat.CSV else self._json_rows()

    @property
    def position(self) -> Position:
        """Where the next row begins."""
        return self._feed.position

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def _csv_rows(self) -> Iterator[Row]:
        reader = csv.reader(self._feed, strict=True)
        if not self.columns:
            self.columns = _header(self._feed, reader, self._terms.channel)
        while True:
            self._feed.begin()
            try:
                values = next(reader)
            except StopIteration:
                return
            except _UnreadableError as error:
                yield self._unreadable(str(error))
                continue
            except csv.Error as error:
                if "end of data" in str(error):
                    raise AudienceError(_unclosed(self._feed.first)) from error
                yield self._unreadable(f"{self._feed.place}: {_csv_problem(error)}")
                continue
            if any(values):
                yield self._csv_row(values)

    def _csv_row(self, values: Sequence[str]) -> Row:
        if len(values) != len(self.columns):
            return self._unreadable(f"it has {len(values)} cells, and the header has {len(self.columns)} columns")
        if self._feed.holds_nul:
            return self._unreadable("it holds a NUL character")
        given = {name: value for name, value in zip(self.columns, values, strict=True) if value}
        fields: dict[str, Any] = {name: value for name, value in given.items() if name in RECIPIENT_FIELDS}
        if "channels" in fields:
            fields["channels"] = fields["channels"].split()
        fields["variables"] = {name: value for name, value in given.items() if name not in RECIPIENT_FIELDS}
        row = self._recipient(fields)
        if isinstance(row, Recipient) and row.channel not in self._checked and not FIELDS & fields.keys():
            self._require_columns(row)
        return row

    def _require_columns(self, row: Recipient) -> None:
        """Refuse a file that cannot fill the campaign's text in any row, at the first row of the text's channel."""
        variables = [name for name in self.columns if name not in RECIPIENT_FIELDS]
        unfilled = {*self._terms.needed.get(row.channel, ())} - {*variables}
        if lacking := sorted({*row.content.missing(dict.fromkeys(variables, "")), *unfilled}):
            raise AudienceError(
                f"the campaign's {row.channel} text uses {_listed(f'{{{{ {name} }}}}' for name in lacking)}, and the "
                f"file has no such column; it has {_listed(self.columns)}"
            )
        self._checked.add(row.channel)

    def _json_rows(self) -> Iterator[Row]:
        while True:
            self._feed.begin()
            try:
                text = next(self._feed)
            except StopIteration:
                return
            except _UnreadableError as error:
                yield self._unreadable(str(error))
                continue
            if text.strip():
                yield self._json_row(text)

    def _json_row(self, text: str) -> Row:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return self._unreadable("it is not a JSON value")
        if not isinstance(fields, dict):
            return self._unreadable("it is not a JSON object")
        return self._recipient(fields)

    def _recipient(self, fields: dict[str, Any]) -> Row:
        if self._terms.channel is not None and "channels" not in fields:
            fields.setdefault("selected_channel", self._terms.channel.value)
        problems: list[str] = []
        found = parse_recipient(self._feed.first, fields, "", "selected_channel", problems, self._terms.defaults)
        if found is not None:
            return found
        customer_id = fields.get("customer_id")
        return self._unreadable("; ".join(problems), customer_id if isinstance(customer_id, str) else "")

    def _unreadable(self, detail: str, customer_id: str = "") -> ExcludedRow:
        return ExcludedRow(self._feed.first, Exclusion.INVALID_ROW, detail, customer_id[:128])


class _UnreadableError(Exception):
    """A line that is skipped; its message says why."""


class _Feed:
    """The lines of a file as texts for a reader that takes several for one row."""

    def __init__(self, lines: Iterator[Line], start: Position) -> None:
        self._lines = lines
        self.position = start
        self.first = start.line + 1
        self.holds_nul = False
        self._size = 0

    def begin(self) -> None:
        """The next line begins a row."""
        self.first = self.position.line + 1
        self.holds_nul = False
        self._size = 0

    @property
    def place(self) -> str:
        """The lines of the row so far."""
        last = self.position.line
        return f"line {self.first}" if last <= self.first else f"lines {self.first} to {last}"

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.position = Position(self.position.offset + line.size, line.number)
        if line.too_long:
            raise _UnreadableError(f"the line has {line.size} bytes, more than {MAX_LINE_BYTES}")
        self._size += line.size
        if self._size > MAX_LINE_BYTES or line.number - self.first >= MAX_RECORD_LINES:
            raise AudienceError(_unclosed(self.first))
        self.holds_nul |= b"\0" in line.data
        return decoded(line)


def _header(feed: _Feed, reader: Iterator[list[str]], channel: Channel | None) -> tuple[str, ...]:
    """The columns of a CSV file; raises `AudienceError` in one sentence for the first thing that is wrong."""
    try:
        names = [name.strip() for name in next(reader)]
    except StopIteration:
        raise AudienceError("the file is empty: its first line must name the columns") from None
    except (_UnreadableError, csv.Error) as error:
        problem = _csv_problem(error) if isinstance(error, csv.Error) else str(error)
        raise AudienceError(f"the first line, which must name the columns, cannot be read: {problem}") from error
    if feed.holds_nul:
        raise AudienceError("the header holds NUL characters: save the file as 'CSV UTF-8'")
    if len(names) == 1 and (other := next((mark for mark in ";\t|" if mark in names[0]), None)):
        raise AudienceError(f"the columns are separated by {other!r}: save the file with commas")
    for name in names:
        if names.count(name) > 1:
            raise AudienceError(f"two columns are called {name[:64]!r}: rename or remove one")
        if not _VARIABLE_NAME.fullmatch(name):
            raise AudienceError(f"column {name[:64]!r} has no name that a text can use: 1-64 letters, digits and '_'")
    if len(set(names) - RECIPIENT_FIELDS) > MAX_VARIABLES:
        raise AudienceError(f"the file has {len(names)} columns; a recipient may have {MAX_VARIABLES} variables")
    _require_fields(names, channel)
    return tuple(names)


def _require_fields(names: Sequence[str], channel: Channel | None) -> None:
    lacking = [name for name in ("customer_id", "selected_channel") if name not in names]
    if (channel is not None or "channels" in names) and "selected_channel" in lacking:
        lacking.remove("selected_channel")
    address = {None: ("phone", "email"), Channel.EMAIL: ("email",)}.get(channel, ("phone",))
    if {"selected_channel", "channels"} & set(names):
        address = ("phone", "email")
    if not set(address) & set(names):
        lacking.append(" or ".join(address))
    if lacking:
        remedy = "; name a default_channel in the campaign to do without selected_channel"
        raise AudienceError(
            f"the file has no column {_listed(lacking)}; it has {_listed(names)}"
            + (remedy if "selected_channel" in lacking else "")
        )


def _csv_problem(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return stands in the middle of a line: end lines in LF or CR LF"
    if "field limit" in str(error):
        return f"a cell has more than {csv.field_size_limit()} characters"
    if "end of data" in str(error):
        return "a quote is opened and not closed"
    return "after a closing quote comes neither a comma nor the end of the line: double the quotes inside a cell"


def _unclosed(line: int) -> str:
    return (
        f"line {line} opens a quote that is not closed within {MAX_LINE_BYTES // 1024} KB and {MAX_RECORD_LINES} lines,"
        " so the rows after it cannot be told apart: close it, or double the quotes inside the cell"
    )


def _listed(names: Iterable[str]) -> str:
    shown = [name[:64] for name in names]
    rest = len(shown) - _NAMES_SHOWN
    return ", ".join(shown[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
