"""Sessions that are open or closing, with the stack's gauges, latencies and refusals; and one session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.domain import Fetched, Overview
from console.places import Place
from console.services.feed import FeedSpec
from console.sessions.state import (
    SessionDetail,
    SessionGauges,
    SessionHour,
    SessionList,
    SessionState,
    SessionTerms,
    sessions_off,
)
from console.sources.deployments import functions_of
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.table_screen import TableScreen
from console.ui.widgets.panel import Panel
from console.view import sessions as view
from console.view.export import json_of
from console.view.segments import Line, Role, line
from console.view.tables import sessions as rows

FEEDS = ("sessions", "session_gauges", "session_hour")
DETAIL_BEATS = 2.0
"""One session is read so many times less often than the list: the ages of five hundred connections cost more."""


def session_logs(desk: Desk) -> Iterator[Choice]:
    """The log of the functions of sessions."""
    outputs = desk.connection.outputs
    names = functions_of(outputs)
    wanted = [names[name] for name in outputs.sessions.to_mapping().values() if name in names]
    if wanted:
        yield Choice("l", "log", "of the functions of sessions", lambda: desk.go(Place("logs", ",".join(wanted))))


class SessionsScreen(TableScreen[SessionState]):
    """Those with most listeners first; enter opens one."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall")]  # noqa: RUF012 - Textual's own type

    def __init__(self, desk: Desk, place: Place) -> None:
        self.kind = rows.kind(desk.clock.now, lambda: self._terms.max_listeners)
        self._terms = SessionTerms()
        self._list: SessionList | None = None
        self._off = sessions_off(desk.connection.outputs)
        super().__init__(desk, place)

    def own_feeds(self) -> Sequence[FeedSpec]:
        """None where the stack has no sessions."""
        return () if self._off is not None else [self.desk.monitor.spec(name) for name in FEEDS]

    def body(self) -> ComposeResult:
        """The sessions above, what there was in the last hour below; where there are none, how to have them."""
        glyphs = self.desk.glyphs
        yield Panel("sessions", glyphs, id="off")
        yield from super().body()
        with Vertical(id="session-hour"):
            with Horizontal(classes="pair"):
                yield Panel("active sessions", glyphs, id="active")
                yield Panel("listeners", glyphs, id="listeners")
            with Horizontal(classes="pair"):
                yield Panel("latency", glyphs, id="latency")
                yield Panel("refused, last hour", glyphs, id="refused")

    def feed(self, overview: Overview) -> Fetched[Sequence[SessionState]]:
        """The roster's sessions."""
        feed: Fetched[SessionList] = self.desk.monitor.state("sessions")
        if feed.value is not None:
            self._list, self._terms = feed.value, feed.value.terms
        sessions = None if self._list is None else self._list.sessions
        return Fetched(sessions, feed.at, feed.took, feed.source, feed.error, feed.retry_at, feed.reading_since)

    def draw(self, overview: Overview) -> None:
        """The table, and the panels below it."""
        for name in ("#rows", "#session-hour"):
            self.query_one(name).display = self._off is None
        off = self.query_one("#off", Panel)
        off.set_class(self._off is not None, "-shown")
        if self._off is not None:
            off.show([line((self._off.sentence, Role.STRONG)), line(self._off.remedy)])
            return
        super().draw(overview)
        now, glyphs, monitor = overview.taken_at, self.desk.glyphs, self.desk.monitor
        gauges: Fetched[SessionGauges] = monitor.state("session_gauges")
        hour: Fetched[SessionHour] = monitor.state("session_hour")
        self.fill(
            "active",
            gauges,
            now,
            lambda found, wide, high: view.gauge_lines(found.active, now, columns=wide, rows=high, glyphs=glyphs),
            note=self._of_most(),
        )
        self.fill(
            "listeners",
            gauges,
            now,
            lambda found, wide, high: view.gauge_lines(found.listeners, now, columns=wide, rows=high, glyphs=glyphs),
        )
        self.fill("latency", hour, now, lambda found, *_: view.latency_lines(found))
        self.fill("refused", hour, now, lambda found, _, high: view.refusal_lines(found, high))

    def note(self) -> str:
        """Nothing where there is nothing to count."""
        return "" if self._off is not None else super().note()

    def _of_most(self) -> str:
        most = self._terms.max_active
        return "" if most is None else f"{most:,} at most"

    def details(self, item: SessionState) -> Sequence[Line]:
        """Its row."""
        return rows.details(item, self._terms.max_listeners, self.desk.clock.now(), self.desk.glyphs)

    def subject_of(self, item: SessionState) -> str:
        """Its id."""
        return item.id

    def empty(self) -> str:
        """Nobody speaks."""
        return "no session is open"

    def jumps(self) -> Sequence[Choice]:
        """The functions' log."""
        return list(session_logs(self.desk))

    def copies(self) -> Sequence[Copyable]:
        """The session's id before the rest."""
        item = self.item
        return () if item is None else (Copyable("m", "session id", lambda: item.id), *super().copies())


class SessionScreen(ConsoleScreen):
    """One session, its languages and connections, read while it is looked at."""

    @property
    def feed_name(self) -> str:
        """The feed about this session."""
        return f"session {self.place.subject}"

    def own_feeds(self) -> Sequence[FeedSpec]:
        """The session with its connections."""
        session_id, sessions = self.place.subject, self.desk.connection.sessions
        every = DETAIL_BEATS * self.desk.monitor.spec("sessions").every
        return (FeedSpec(self.feed_name, lambda: sessions.session(session_id), every),)

    @property
    def detail(self) -> SessionDetail | None:
        """As it was read last."""
        value: SessionDetail | None = self.desk.monitor.state(self.feed_name).value
        return value

    def body(self) -> ComposeResult:
        """The session beside its languages, its connections below."""
        glyphs = self.desk.glyphs
        with Vertical(id="session-body"):
            yield Panel("session", glyphs, id="facts")
            with Horizontal(classes="pair"):
                yield Panel("listeners by language", glyphs, id="languages")
                yield Panel("connections by age", glyphs, id="connections")

    def draw(self, overview: Overview) -> None:
        """All of it, from one reading."""
        feed: Fetched[SessionDetail] = self.desk.monitor.state(self.feed_name)
        now, glyphs = overview.taken_at, self.desk.glyphs
        note = "" if feed.value is None else view.language_note(feed.value)
        self.fill("facts", feed, now, lambda detail, *_: view.session_lines(detail, now, glyphs))
        self.fill(
            "languages",
            feed,
            now,
            lambda detail, wide, high: view.language_lines(detail, columns=wide, rows=high, glyphs=glyphs),
            note=note,
        )
        self.fill(
            "connections",
            feed,
            now,
            lambda detail, wide, _: view.connection_lines(detail, now, columns=wide, glyphs=glyphs),
        )

    def jumps(self) -> Sequence[Choice]:
        """The functions' log."""
        return list(session_logs(self.desk))

    def copies(self) -> Sequence[Copyable]:
        """Its id, the hashes that the logs have, and all that is known of it."""
        detail = self.detail
        if detail is None:
            return ()
        session = detail.session
        return (
            Copyable("m", "session id", lambda: session.id),
            Copyable("h", "speaker, hashed", lambda: session.speaker),
            Copyable("c", "speaker's connection, hashed", lambda: session.speaker_connection),
            Copyable("j", "JSON", lambda: json_of(detail)),
        )
