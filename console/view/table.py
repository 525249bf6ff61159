"""Tables without a screen: columns as data, rows sorted, filtered and compared with what was there before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from console.domain import ConsoleError, ProblemKind, StackFacts
from console.text import safe_line
from console.view.filters import EVERYTHING, Filter, parse_filter
from console.view.glyphs import UNICODE, Glyphs
from console.view.segments import Role, Segment

T = TypeVar("T")

MARK_SECONDS = 3.0
"""How long a changed cell is marked: long enough to be seen at a glance, short enough to stay rare."""
UNDRAWABLE = "?"
"""Stands where a value is that its column cannot show."""
STATES = frozenset((Role.ALARM, Role.WARN, Role.OK, Role.NODATA))
FLAW_CELLS = 80
STEP = 2_500
"""Rows that `proceed` filters at a time, which is as long as a key then waits."""
UNFILTERED_STEP = 20_000
"""The same where every row passes: no text is made of it, so that eight times as many take no longer."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a cell may depend on besides its item: the epoch second, the glyph set, the stack's common name prefix."""

    now: float = 0.0
    glyphs: Glyphs = UNICODE
    prefix: str = ""


def _plain(_: object) -> Role:
    return Role.PLAIN


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: `text` of a cell and its `role`; `key` sorts (the text where None); items
    whose key is None come last in either direction.

    `width` in cells, 0 takes a `share` of what is left; `need` is the table's width from which on it is shown, and even
    then it gives way where another column would get fewer cells than its `least`. `live` cells change with the clock
    alone, so they are never marked and no filter looks at them; `right` aligns figures, `tail` keeps the end of a text
    that has to be cut.
    """

    name: str
    width: int
    text: Callable[[T, Look], str]
    key: Callable[[T], Any] | None = None
    role: Callable[[T], Role] = _plain
    right: bool = False
    need: int = 0
    share: int = 1
    least: int = 0
    live: bool = False
    tail: bool = False
    badge: Callable[[T], bool] | None = None


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of rows: `id` is what stays the same of an item, `sort` the column that orders it at first.

    `arn` and `command` (an AWS CLI command that shows the item) are what can be copied, None where there is none.
    """

    name: str
    columns: tuple[Column[T], ...]
    id: Callable[[T], str]
    sort: str = ""
    descending: bool = False
    arn: Callable[[T, StackFacts], str] | None = None
    command: Callable[[T, StackFacts], Sequence[str]] | None = None

    def column(self, name: str) -> Column[T]:
        """The column of that name; raises `KeyError`."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns by name."""
        return tuple(column.name for column in self.columns)


class Table(Generic[T]):
    """The rows of one kind: what was read, and which of it is shown in which order.

    One step of rows is arranged at once. With more, `shown` stays as it was while `arranging`, until `proceed` was
    called often enough; the widget does that between two keys.

    A value that its column cannot show ends nothing: the cell is `UNDRAWABLE`, without a key the row comes last, and
    `flaw` says so until the next reading.
    """

    def __init__(self, kind: Kind[T], look: Look | None = None) -> None:
        self.kind = kind
        self.look = look or Look()
        self.filter: Filter = EVERYTHING
        self.sort = kind.sort
        self.descending = kind.descending
        self.shown: list[T] = []
        self.flaw: ConsoleError | None = None
        self._items: Sequence[T] = ()
        self._sifted = 0
        self._keys: list[Any] = []
        self._keyed: list[T] = []
        self._keyless: list[T] = []
        self._by_id: dict[str, T] = {}
        self._rows: dict[str, str] = {}
        self._changed: dict[str, tuple[float, T]] = {}

    @property
    def items(self) -> Sequence[T]:
        """What was read, in the order of the reading."""
        return self._items

    @property
    def total(self) -> int:
        """Rows before the filter."""
        return len(self._items)

    def put(self, items: Sequence[T]) -> None:
        """Take a new reading; cells that differ from the one before are marked for a moment.

        A reading that cannot be arranged raises, and leaves the table empty.
        """
        if items is self._items:
            return
        before, self.flaw = self._by_id, None
        try:
            self._by_id = {self.kind.id(item): item for item in items}
            self._items = items
            if before:
                self._compare(before)
                self._rows = {key: row for key, row in self._rows.items() if before.get(key) is self._by_id.get(key)}
            self._arrange()
        except Exception:
            self._items, self._by_id, self._rows, self.shown = (), {}, {}, []
            self._arrange()
            raise

    def extend(self, items: Iterable[T]) -> None:
        """Take more items of the same reading; those that are there already by their id are left out."""
        fresh = {key: item for item in items if (key := self.kind.id(item)) not in self._by_id}
        if fresh:
            self._by_id |= fresh
            self._items = [*self._items, *fresh.values()]
            self.proceed()

    @property
    def arranging(self) -> bool:
        """Whether `shown` is not yet what filter and order ask for."""
        return self._sifted < len(self._items)

    def proceed(self, rows: int = 0) -> None:
        """Filter `rows` more, a step where none are named; after the last of them `shown` is sorted and complete."""
        rows = rows or (STEP if self.filter else UNFILTERED_STEP)
        fresh = self._items[self._sifted : self._sifted + rows]
        self._sifted += len(fresh)
        self._sift([item for item in fresh if self._passes(item)] if self.filter else fresh)
        if not self.arranging:
            self.shown = [*map(self._keyed.__getitem__, self._order()), *self._keyless]

    def _order(self) -> Sequence[int]:
        """The places of the rows with keys; as they were read where their keys cannot be compared."""
        places = range(len(self._keys))
        try:
            return sorted(places, key=self._keys.__getitem__, reverse=self.descending)
        except Exception as error:
            self.note_flaw(self.sort, error)
            return places

    def _sift(self, items: Sequence[T]) -> None:
        """Take the keys of rows that pass.

        Keys and rows are lists beside each other: a hundred thousand pairs would be as many objects for the garbage
        collector to go through, which takes five times as long as making them.
        """
        keys = self._keys_of(items)
        if None in keys:
            self._keyless += [item for key, item in zip(keys, items, strict=True) if key is None]
            items = [item for key, item in zip(keys, items, strict=True) if key is not None]
            keys = [key for key in keys if key is not None]
        self._keys += keys
        self._keyed += items

    def _keys_of(self, items: Sequence[T]) -> list[Any]:
        if not self.sort:
            return [None] * len(items)
        column = self.kind.column(self.sort)
        key = column.key or (lambda item: column.text(item, self.look))
        try:
            return list(map(key, items))
        except Exception as error:
            self.note_flaw(column.name, error)
        return [_or_none(key, item) for item in items]

    def narrow(self, text: str) -> None:
        """Filter; raises `ConsoleError` and leaves the filter as it was when `text` is none."""
        if text.strip() != self.filter.text:
            self.filter = parse_filter(text, {column.name for column in self.kind.columns if not column.live})
            self._arrange()

    def order(self, name: str, *, descending: bool) -> None:
        """Sort by a column; an unknown name is the kind's own order."""
        self.sort = name if name in self.kind.names else self.kind.sort
        self.descending = descending
        self._arrange()

    def item(self, key: str) -> T | None:
        """The item of that id, shown or not."""
        return self._by_id.get(key)

    def place_of(self, key: str) -> int | None:
        """Where the item of that id is shown."""
        return next((place for place, item in enumerate(self.shown) if self.kind.id(item) == key), None)

    def marks(self, item: T) -> frozenset[str]:
        """The columns of an item that changed just now; looked for only where they are drawn."""
        until, old = self._changed.get(self.kind.id(item), (0.0, item))
        if self.look.now >= until:
            return frozenset()
        steady = (column for column in self.kind.columns if not column.live)
        return frozenset(c.name for c in steady if self._cell(c, old) != self._cell(c, item))

    def texts(self, item: T, columns: Iterable[Column[T]]) -> tuple[str, ...]:
        """The cells of an item."""
        return tuple(self._cell(column, item) for column in columns)

    def _cell(self, column: Column[T], item: T) -> str:
        try:
            return _text(column.text(item, self.look))
        except Exception as error:
            self.note_flaw(column.name, error)
            return UNDRAWABLE

    def drawn(self, column: Column[T], item: T) -> Segment:
        """One cell, not yet cut to its width."""
        try:
            text = _text(column.text(item, self.look))
            return Segment(text, column.role(item), column.badge is not None and column.badge(item))
        except Exception as error:
            self.note_flaw(column.name, error)
            return Segment(UNDRAWABLE, Role.WARN)

    def note_flaw(self, column: str, error: Exception) -> None:
        """Remember that a column has a value that it cannot show."""
        why = f"column {column}, {type(error).__name__}: {safe_line(error, FLAW_CELLS)}"
        self.flaw = ConsoleError(ProblemKind.BAD_ANSWER, why)

    def _compare(self, before: dict[str, T]) -> None:
        until = self.look.now + MARK_SECONDS
        self._changed = {key: mark for key, mark in self._changed.items() if mark[0] > self.look.now}
        for key, item in self._by_id.items():
            old = before.get(key)
            if old is not None and old is not item and old != item:
                self._changed[key] = (until, old)

    def _arrange(self) -> None:
        self._sifted, self._keys, self._keyed, self._keyless = 0, [], [], []
        self.proceed()

    def _passes(self, item: T) -> bool:
        return self.filter.holds(
            lambda: self._row(item), lambda name: self.texts(item, [self.kind.column(name)])[0].lower()
        )

    def _row(self, item: T) -> str:
        key = self.kind.id(item)
        row = self._rows.get(key)
        if row is None:
            steady = [column for column in self.kind.columns if not column.live]
            row = self._rows[key] = "\n".join(self.texts(item, steady)).lower()
        return row


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value


def _or_none(key: Callable[[T], Any], item: T) -> Any:
    try:
        return key(item)
    except Exception:
        return None  # the column's flaw is noted already


def document(item: object) -> object:
    """An item as JSON has it."""
    return dataclasses.asdict(item) if dataclasses.is_dataclass(item) and not isinstance(item, type) else item
