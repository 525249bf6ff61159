"""The newest messages, and searches of messages that are read page by page to their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from console.domain import Fetched, Message, Overview
from console.places import Place
from console.searches import parse_search, parse_status
from console.services.errors import caller_of
from console.services.search import Search
from console.telemetry import MessageSearch
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.message_jumps import Whereabouts, message_jumps
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.message import MessageScreen
from console.ui.screens.table_screen import TableScreen
from console.view import format as fmt
from console.view.segments import Line
from console.view.tables import messages as view
from lambdas.core import keys

BEAT_SECONDS = 0.05
SHOWN_SECONDS = 0.25
"""Rows that came are put into the table together, so that many pages do not sort it once each."""


class MessagesScreen(TableScreen[Message]):
    """The newest messages of the newest campaign; enter opens the timeline of one."""

    kind = view.KIND
    reads: ClassVar[tuple[str, ...]] = ("messages", "campaigns")

    def feed(self, overview: Overview) -> Fetched[Sequence[Message]]:
        """The overview's messages."""
        return overview.messages

    def details(self, item: Message) -> Sequence[Line]:
        """Its row of the tracking table."""
        return view.details(item, self.desk.glyphs)

    def subject_of(self, item: Message) -> str:
        """Its id."""
        return item.id

    def empty(self) -> str:
        """No campaign has sent."""
        return "no message of the newest campaign yet; `:messages campaign=ID`, customer=ID or an id looks for others"

    def note(self) -> str:
        """Of which campaign they are, before the rest."""
        places = (keys.campaign_row(message.id) for message in self.table.items[:1])
        return "  ".join([*(f"of {place[0]}" for place in places if place), super().note()])

    def jumps(self) -> Sequence[Choice]:
        """From the message under the cursor."""
        item = self.item
        if item is None:
            return ()
        ended = None if item.changed_ms is None else item.changed_ms / 1000
        return list(message_jumps(self.desk, Whereabouts(item.id, item.customer_id, item.created_ms / 1000, ended)))

    def copies(self) -> Sequence[Copyable]:
        """The message's id before the rest."""
        item = self.item
        return () if item is None else (Copyable("m", "message id", lambda: item.id), *super().copies())


class SearchScreen(MessagesScreen):
    """All messages of a campaign or customer: pages arrive while it is looked at, `space` holds them."""

    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, desk: Desk, place: Place, wanted: MessageSearch) -> None:
        super().__init__(desk, place)
        self._wanted = wanted
        self._search = self._begin()
        self._arrived: list[Message] = []
        self._put_at = 0.0

    def _begin(self) -> Search:
        desk, wanted = self.desk, self._wanted
        records, caller = desk.connection.records, caller_of(desk.connection)
        return Search(
            lambda cursor: records.search(wanted, cursor),
            runner=desk.runner,
            clock=desk.clock,
            caller=caller,
            key=f"search {wanted}",
        )

    def opened(self) -> None:
        """Begin to read."""
        super().opened()
        self.set_interval(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        """Take what came and ask for more, as long as nobody left or paused; the month's budget slows it as it slows
        feeds."""
        monitor, search = self.desk.monitor, self._search
        error = search.error
        wanted = self.is_active and not monitor.paused
        self._arrived += search.tick(start=wanted, slowness=monitor.slowness)
        now = self.desk.clock.monotonic()
        if self._arrived and (search.complete or now - self._put_at >= SHOWN_SECONDS):
            self._put_at = now
            self.table.extend(self._arrived)
            self._arrived.clear()
            self.again()
        elif search.error is not error:
            self.again()

    def feed(self, overview: Overview) -> Fetched[Sequence[Message]]:
        """What was read so far."""
        search = self._search
        return Fetched(
            None if search.at is None else self.table.items,
            search.at,
            source=self.desk.connection.source.name,
            error=search.error,
            retry_at=search.retry_at,
        )

    def read_now(self) -> None:
        """At once where a page failed; from the beginning where all was read; not where reading is held."""
        if self.desk.monitor.paused:
            self.desk.say("reading is held; space goes on")
        elif self._search.complete:
            self._search = self._begin()
            self.table.put(())
        else:
            self._search.hurry()

    def empty(self) -> str:
        """Nothing was found."""
        return f"no message of {self.place.subject}"

    def note(self) -> str:
        """Filter, what passes it, and how far the search is."""
        search, table = self._search, self.table
        chip = f"/{table.filter.text}  " if table.filter else ""
        passing = f"{fmt.count(len(table.shown))} of " if table.filter and not table.arranging else ""
        held = "  PAUSED" if self.desk.monitor.paused and not search.complete else ""
        return chip + passing + view.progress_words(search.read, search.total, complete=search.complete) + held

    def jumps(self) -> Sequence[Choice]:
        """From the message under the cursor, but not to where one is."""
        return [each for each in super().jumps() if each.detail not in self.place.subject.partition("=")[2:]]


def one(desk: Desk, place: Place) -> ConsoleScreen:
    """The screen of a search, or of the message whose id the subject is; a status that is wanted is a filter of it."""
    subject, status = parse_status(place.subject)
    if status:
        place = Place(place.screen, subject, {**place.params, "filter": f"status:{status}"})
    if not subject:
        return MessagesScreen(desk, place)
    wanted = parse_search(subject)
    return MessageScreen(desk, place) if wanted is None else SearchScreen(desk, place, wanted)
