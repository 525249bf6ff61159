"""Logs of many groups in one order: the present as it comes, or a stretch of the past."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.domain import ConsoleError, Fetched, Overview, ProblemKind
from console.places import Place
from console.services.aws_pages import page_of
from console.services.errors import caller_of
from console.services.jumps import logs_place
from console.services.log_tail import AWS_SECONDS, LOCAL_SECONDS, LogRange, LogTail
from console.services.monitor import BLURRED
from console.telemetry import LogLine
from console.text import safe_line
from console.ui.aws_pages import page_choices
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.screens.log_line import LogLineScreen
from console.ui.screens.table_screen import TableScreen
from console.ui.widgets.panel import Bar, Panel
from console.ui.widgets.virtual_table import VirtualTable
from console.view import format as fmt
from console.view import logs as view
from console.view.segments import Line
from console.view.table import Table
from console.view.tables import log_lines as rows

BEAT_SECONDS = 0.25


class LogsScreen(TableScreen[LogLine]):
    """Lines of the groups that the subject names (`sweeper,message-sender`; all where it is empty).

    With `from` and `to` a stretch of time is read once; else the screen follows the present. Groups are read only
    while it is looked at.
    """

    kind = rows.KIND
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "error(1)", "error"),
        Binding("N", "error(-1)", "error before", show=False),
        Binding("w", "wrap", "whole messages, or a row for each", show=False),
        Binding("space", "hold_lines", "hold the lines, or go on", key_display="space", show=False),
        Binding("left_square_bracket", "pan(-1)", "earlier", key_display="[", show=False),
        Binding("right_square_bracket", "pan(1)", "later", key_display="]", show=False),
        Binding("r", "read_now", "read now", show=False),
        Binding("0", "live", "follow the present", show=False),
    ]

    def __init__(self, desk: Desk, place: Place) -> None:
        self.groups = groups_of(desk, place.subject)
        if len(self.groups) == 1:
            self.kind = rows.of_one_group(rows.KIND)
        super().__init__(desk, place)
        self.tail = self._tail(LogRange.of(place.params, desk.clock.now()))
        self.pieces: Table[rows.Piece] = Table(rows.in_pieces(self.kind), desk.look())
        self._wrapping = rows.Wrapping(self.kind)
        self._pieced: tuple[Sequence[LogLine], int] = ((), 0)
        self._held: Sequence[LogLine] | None = None
        self._wrapped = False
        self._end_owed = False
        self._left_at: str | None = None

    def _tail(self, wanted: LogRange) -> LogTail:
        desk = self.desk
        return LogTail(
            desk.connection.telemetry,
            self.groups,
            wanted,
            runner=desk.runner,
            clock=desk.clock,
            caller=caller_of(desk.connection),
        )

    def body(self) -> ComposeResult:
        """How many lines when, then the lines."""
        yield Bar(self.desk.glyphs, id="histogram")
        yield from super().body()

    def opened(self) -> None:
        """Read at a beat of its own."""
        super().opened()
        self.desk.monitor.lent = self.tail.feeds
        self.set_interval(BEAT_SECONDS, self._beat)

    def on_unmount(self) -> None:
        """Left: the lines go, how the groups answered stays for `:self`."""
        self.tail.rest()

    def _beat(self) -> None:
        monitor = self.desk.monitor
        if not self.on_top or (monitor.paused and not self.tail.owes):
            return
        usual = LOCAL_SECONDS if self.desk.stack.environment == "local" else AWS_SECONDS
        self.tail.every = max(monitor.least_seconds, usual * (BLURRED if monitor.blurred else 1.0))
        before = self.tail.buffer.lines
        if self.tail.tick() or before is not self.tail.buffer.lines:
            self.again()

    def feed(self, overview: Overview) -> Fetched[Sequence[LogLine]]:
        """The lines so far, or those of the moment when they were held."""
        lines = self.tail.buffer.lines if self._held is None else self._held
        if not lines and not self.tail.caught_up:
            return Fetched()
        return Fetched(lines, overview.taken_at)

    def empty(self) -> str:
        """Silence."""
        return "no line in this time"

    @property
    def _live(self) -> bool:
        return self.tail.wanted.end is None

    @property
    def item(self) -> LogLine | None:
        """The line under the cursor."""
        found: LogLine | rows.Piece | None = self.rows.item
        return None if found is None else _line(found)

    def draw(self, overview: Overview) -> None:
        """Lines, their course, and the groups that cannot be read; at the last line the present is followed."""
        follows = self._follows
        super().draw(overview)
        self._show_pieces()
        self._follow(follows)
        self._draw_histogram(overview.taken_at)
        troubles = view.trouble_lines(self.tail.states, overview.taken_at, self.desk.glyphs)
        panel = self.query_one("#trouble", Panel)
        panel.set_class(bool(troubles), "-shown")
        panel.show(troubles)

    @property
    def _follows(self) -> bool:
        return self._live and (self._end_owed_here or self.rows.place >= len(self.rows.table.shown) - 1)

    @property
    def _end_owed_here(self) -> bool:
        """Whether the lines are there that were being arranged, and nobody has moved the cursor since."""
        if not self._end_owed or self._left_at is None or self.table.place_of(self._left_at) is None:
            return self._end_owed
        return self.item is not None and self.item.id == self._left_at

    def _follow(self, follows: bool) -> None:
        """To the last line; many lines are arranged in steps, and then the last one is still to come."""
        if follows:
            self.rows.go_to(len(self.rows.table.shown) - 1)
        self._end_owed = follows and self.table.arranging
        self._left_at = None if self.item is None else self.item.id

    def _show_pieces(self) -> None:
        if not self._wrapped:
            return
        while self.table.arranging:
            self.table.proceed()
        wanted = (self.table.shown, self.rows.cells)
        if wanted[0] is not self._pieced[0] or wanted[1] != self._pieced[1]:
            self._pieced = wanted
            self.pieces.put(self._wrapping.pieces(*wanted))
        self.pieces.look = self.table.look
        self.rows.update_rows()

    def _draw_histogram(self, now: float) -> None:
        wanted, bar = self.tail.wanted, self.query_one("#histogram", Bar)
        end = now if wanted.end is None else min(now, wanted.end)
        start = wanted.start if not self._live or not self.table.items else self.table.items[0].at
        bar.show(view.histogram(self.table.shown, start, end, columns=self.size.width, glyphs=self.desk.glyphs))

    def details(self, item: LogLine) -> Sequence[Line]:
        """The line whole."""
        return view.whole_lines(item, self.desk.glyphs)

    def note(self) -> str:
        """What of how much is shown, and how far it has been read."""
        shown, total = len(self.table.shown), self.table.total
        pieces = [f"/{self.table.filter.text}"] if self.table.filter else []
        pieces.append(f"{fmt.count(total)} lines" if shown == total else f"{fmt.count(shown)} of {fmt.count(total)}")
        if self.tail.buffer.dropped:
            pieces.append(f"{fmt.count(self.tail.buffer.dropped)} older dropped")
        if self.desk.monitor.paused:
            pieces.append("PAUSED, space goes on")
        elif self._held is not None:
            pieces.append(f"HELD, {fmt.count(self._waiting())} wait")
        elif not self._live and self.tail.complete:
            pieces.append("all read")
        elif not self._live or not self.tail.caught_up:
            pieces.append(f"read to {fmt.clock(self.tail.reached)}")
        else:
            pieces.append("live")
        return "  ".join(pieces)

    def _waiting(self) -> int:
        held = {line.id for line in self._held or ()}
        return sum(line.id not in held for line in self.tail.buffer.lines)

    def narrow(self, text: str) -> bool:
        """Only the lines that pass."""
        follows = self._follows
        super().narrow(text)
        self._show_pieces()
        self._follow(follows)
        return True

    def on_virtual_table_chosen(self, event: VirtualTable.Chosen) -> None:
        """A line whole, with copies: in the place of what other tables show."""
        event.prevent_default()
        item = self.item
        if item is not None:
            self.desk.ask(LogLineScreen(item, self._line_copies(item), self.desk), lambda _: None)

    def on_virtual_table_sorted(self, event: VirtualTable.Sorted) -> None:
        """Pieces of lines are never sorted by themselves: the lines are."""
        if self._wrapped:
            self.table.order(self.pieces.sort, descending=self.pieces.descending)
            self.pieces.order("", descending=False)

    def action_error(self, step: int) -> None:
        """Put the cursor on the next line that tells of an error, or on the one before."""
        shown: Sequence[LogLine | rows.Piece] = self.rows.table.shown
        lines = [_line(each) for each in shown]
        ahead = range(self.rows.place + step, len(lines) if step > 0 else -1, step)
        here = self.item
        found = next((place for place in ahead if rows.is_error(lines[place]) and lines[place] is not here), None)
        if found is None:
            self.desk.say("no error after this line" if step > 0 else "no error before this line")
            return
        while found > 0 and lines[found - 1] is lines[found]:
            found -= 1
        self.rows.go_to(found)

    def action_wrap(self) -> None:
        """Whole messages on as many rows as they need, or a row for each line."""
        here = self.item
        self._wrapped = not self._wrapped
        self._show_pieces()
        self.rows.show_table(self.pieces if self._wrapped else self.table)
        if here is not None:
            self.rows.select(f"{here.id} 0" if self._wrapped else here.id)

    def action_hold_lines(self) -> None:
        """Keep what is shown; reading goes on, and what comes waits. Where all reading is held, it goes on first."""
        if self.desk.monitor.paused:
            self.desk.monitor.paused = False
            self.again()
            return
        self._held = None if self._held is not None else self.tail.buffer.lines
        self.again()

    def action_read_now(self) -> None:
        """Every group at the next beat, back-off or not, and all feeds; once where reading is held."""
        self.tail.again()
        self.desk.monitor.refresh()

    def action_live(self) -> None:
        """Follow the present."""
        self._show_range(LogRange.of({}, self.desk.clock.now()))

    def action_pan(self, steps: int) -> None:
        """Half of what is shown earlier or later; what would end in the future follows the present."""
        now, wanted = self.desk.clock.now(), self.tail.wanted
        self._show_range(wanted.panned(steps, now))

    def _show_range(self, wanted: LogRange) -> None:
        """Read another stretch of time, which belongs to the place."""
        self.tail, self._held = self._tail(wanted), None
        self.desk.monitor.lent = self.tail.feeds
        self.place = self.place.having(**wanted.params())
        self.again()
        self._follow(self._live)

    def jumps(self) -> Sequence[Choice]:
        """More or fewer groups around the line under the cursor, and its group at AWS."""
        item, subject = self.item, self.place.subject
        if item is None:
            return ()
        one, everything = logs_place((item.function,), item.at), logs_place((), item.at)
        found = [Choice("t", "all groups", "10 minutes on each side of this line", lambda: self.desk.go(everything))]
        if subject != item.function:
            found.append(Choice("g", f"only {item.function}", "around this line", lambda: self.desk.go(one)))
        found.append(Choice("d", "deployments", "what changed when", lambda: self.desk.go(Place("deployments"))))
        return [*found, *page_choices(self.desk, page_of("logs", "log-group", item.group, self.desk.stack))]

    def copies(self) -> Sequence[Copyable]:
        """The line under the cursor."""
        item = self.item
        return () if item is None else self._line_copies(item)

    def _line_copies(self, item: LogLine) -> Sequence[Copyable]:
        stack = self.desk.stack
        place = logs_place((item.function,), item.at)
        return (
            Copyable("r", "line", lambda: f"{fmt.stamp(item.at)} {item.level} {item.function} {item.message}"),
            Copyable("j", "line as it was written", lambda: item.raw),
            Copyable("i", "AWS CLI command", lambda: shlex.join(rows.command(item, stack))),
            Copyable("m", "link to its minutes", lambda: self.desk.link(place)),
        )


def _line(row: LogLine | rows.Piece) -> LogLine:
    return row.line if isinstance(row, rows.Piece) else row


def groups_of(desk: Desk, subject: str) -> tuple[str, ...]:
    """The log groups that a place's subject names by their functions; raises `ConsoleError` for a name that is none."""
    known = {group.rpartition("/")[2]: group for group in desk.connection.telemetry.log_groups()}
    names = [name for name in subject.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"there is no log group {safe_line(unknown[0], 80)!r}",
            f"give one or more of {','.join(known)}, or none for all",
        )
    return tuple(known[name] for name in names) or tuple(known.values())
