"""One message from order to receipt: every event on every channel, its gaps, its price, why it was not sent."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult

from console.domain import Fetched, Overview
from console.invocations import own
from console.places import Place
from console.services.feed import FeedSpec
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.message_jumps import Whereabouts, message_jumps
from console.ui.screens.table_screen import TableScreen
from console.ui.widgets.panel import Panel
from console.view import timeline as view
from console.view.export import json_of
from console.view.foreign import word_of
from console.view.segments import Line, plain
from console.view.tables import timeline as rows
from console.view.timeline import TimelineEvent

ENDED_SECONDS = 60.0
"""How often a message is looked at whose chain has ended: a late receipt may still come."""

LOW_ROWS = 36
"""On lower terminals the events have the room of the legs' ids."""


class MessageScreen(TableScreen[TimelineEvent]):
    """The timeline of a message, read again and again while something is still to come."""

    kind = rows.KIND

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self._told: Mapping[str, Any] | None = None
        self._events: tuple[TimelineEvent, ...] = ()

    @property
    def feed_name(self) -> str:
        """The feed about this message."""
        return f"message {self.place.subject}"

    def own_feeds(self) -> Sequence[FeedSpec]:
        """Its timeline."""
        message_id, records = self.place.subject, self.desk.connection.records
        return (FeedSpec(self.feed_name, lambda: records.timeline(message_id), self._live_seconds),)

    @property
    def _live_seconds(self) -> float:
        return self.desk.monitor.spec("messages").every

    def body(self) -> ComposeResult:
        """What it is, what happened, and its legs."""
        yield Panel("message", self.desk.glyphs, id="summary")
        yield from super().body()
        yield Panel("legs", self.desk.glyphs, id="legs")

    def feed(self, overview: Overview) -> Fetched[Sequence[TimelineEvent]]:
        """Its events, made when it was read anew."""
        feed: Fetched[Mapping[str, Any]] = self.desk.monitor.state(self.feed_name)
        if feed.value is not None and feed.value is not self._told:
            self._told, self._events = feed.value, view.events_of(feed.value)
            self.desk.monitor.pace(self.feed_name, self._live_seconds if view.is_live(feed.value) else ENDED_SECONDS)
        events = None if self._told is None else self._events
        return Fetched(events, feed.at, feed.took, feed.source, feed.error, feed.retry_at, feed.reading_since)

    def draw(self, overview: Overview) -> None:
        """The panels around the events."""
        super().draw(overview)
        told, glyphs = self._told, self.desk.glyphs
        summary, legs = self.query_one("#summary", Panel), self.query_one("#legs", Panel)
        for panel in (summary, legs):
            panel.set_class(told is not None, "-filled")
        if told is not None:
            summary.show(view.summary_lines(told, glyphs))
            legs.show(view.leg_lines(told, glyphs, brief=self.size.height < LOW_ROWS))

    def details(self, item: TimelineEvent) -> Sequence[Line]:
        """Nothing beside the events: the legs stand below."""
        return ()

    def empty(self) -> str:
        """On record, and nothing has happened yet."""
        return "nothing has happened to it yet"

    def jumps(self) -> Sequence[Choice]:
        """Its campaign, its customer's messages, the log around it."""
        told: Mapping[str, Any] = self._told or {}
        times = [event.at for event in self._events if event.at is not None]
        about = Whereabouts(
            self.place.subject,
            word_of(told, "customer_id", 64) if told.get("customer_id") else "",
            times[0] if times else None,
            times[-1] if times else None,
        )
        return list(message_jumps(self.desk, about))

    def copies(self) -> Sequence[Copyable]:
        """Its id, all that is known of it, and the command that shows it; the event's cell and row."""
        told, message_id = self._told, self.place.subject
        found = [
            Copyable("m", "message id", lambda: message_id),
            Copyable("i", "command", lambda: shlex.join(own(self.desk.stack, "message", message_id))),
        ]
        if told is not None:
            found.append(Copyable("j", "JSON", lambda: json_of(told)))
            lines = view.timeline_lines(told, self.desk.glyphs)
            found.append(Copyable("t", "timeline as text", lambda: "\n".join(map(plain, lines))))
        return [*found, *(each for each in super().copies() if each.key in ("c", "r"))]
