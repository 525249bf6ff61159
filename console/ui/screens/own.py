"""The console about itself: its calls by API, its feeds, how late its event loop is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from console.calls import ApiStats
from console.domain import Fetched, Overview
from console.services.feed import AnyFeed
from console.ui.screens.table_screen import TableScreen
from console.ui.widgets.panel import Panel
from console.view import health as view
from console.view.segments import Line
from console.view.tables import calls as rows


class SelfScreen(TableScreen[ApiStats]):
    """Pulse above, calls by API, feeds below."""

    kind = rows.KIND

    def body(self) -> ComposeResult:
        """Three regions."""
        yield Panel("pulse", self.desk.glyphs, id="pulse")
        yield from super().body()
        yield Panel("feeds", self.desk.glyphs, id="feeds")

    def feed(self, overview: Overview) -> Fetched[Sequence[ApiStats]]:
        """What was counted so far."""
        return Fetched(self.desk.connection.usage().apis)

    def details(self, item: ApiStats) -> Sequence[Line]:
        """Nothing beside the calls."""
        return ()

    def empty(self) -> str:
        """A replay asks nobody."""
        return "nothing was asked: this stack is replayed"

    def draw(self, overview: Overview) -> None:
        """The panels around the calls."""
        super().draw(overview)
        desk, glyphs = self.desk, self.desk.glyphs
        feeds = [
            *(_stats(name, feed) for name, feed in desk.monitor.feeds.items()),
            *view.groups_together([_stats(name, feed) for name, feed in desk.monitor.lent.items()]),
        ]
        pulse = view.Pulse(
            desk.lag(),
            desk.connection.usage().per_second,
            desk.runner.out,
            desk.runner.limit,
            desk.monitor.slowness,
            desk.monitor.least_seconds,
            desk.monitor.paused,
        )
        panel = self.query_one("#pulse", Panel)
        panel.show(view.pulse_lines(pulse, feeds, panel.size.width, glyphs))
        panel = self.query_one("#feeds", Panel)
        panel.show(view.feed_lines(feeds, overview.taken_at, panel.size.width, glyphs))


def _stats(name: str, feed: AnyFeed) -> view.FeedStats:
    return view.FeedStats(name, feed.every, feed.reads, feed.failures, feed.dropped, feed.state)
