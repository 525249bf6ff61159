"""Throughput of the whole stack: target against achieved, and each channel against what its identity may send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical

from console.domain import Fetched, Overview
from console.places import Place
from console.services.feed import FeedSpec
from console.telemetry import Series
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.widgets.chart import Chart
from console.ui.widgets.panel import Panel
from console.view import throughput as view
from console.view.timespan import Timespan

FEED = "rates by channel"


@dataclass(frozen=True, slots=True)
class Reading:
    """The channels' rates, and for which stretch of time they were asked."""

    timespan: Timespan
    rates: tuple[Series, ...]


class ThroughputScreen(ConsoleScreen):
    """The overview's chart above, below it a chart for each channel; these are moved together."""

    reads = ("campaigns", "deployments")

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self._timespan = Timespan.of(place.params)
        self._ceilings = desk.connection.outputs.messaging.rates()

    def own_feeds(self) -> Sequence[FeedSpec]:
        """The channels' rates as often as CloudWatch has a new point."""
        return (FeedSpec(FEED, self._read, self.desk.monitor.spec("queues").every),)

    def _read(self) -> Reading:
        timespan = self._timespan
        return Reading(timespan, self.desk.connection.telemetry.rates(*timespan.bounds(self.desk.clock.now())))

    def body(self) -> ComposeResult:
        """All together, then one by one."""
        glyphs = self.desk.glyphs
        with Vertical(id="throughput-body"):
            yield Panel("throughput", glyphs, id="pace")
            yield Panel("by channel", glyphs, id="channels")
            for channel in self._ceilings:
                yield Chart(channel, glyphs, id=f"rate-{channel}", timespan=self._timespan)

    @property
    def charts(self) -> dict[str, Chart]:
        """By channel."""
        return {channel: self.query_one(f"#rate-{channel}", Chart) for channel in self._ceilings}

    def opened(self) -> None:
        """The first channel takes the keys."""
        self.focus_body()

    def focus_body(self) -> None:
        """The first chart that is shown."""
        self.set_focus(next((chart for chart in self.query(Chart) if chart.display), None))

    def draw(self, overview: Overview) -> None:
        """The present from the campaigns' counters, what was before from CloudWatch."""
        glyphs, now, feed = self.desk.glyphs, overview.taken_at, overview.campaigns
        rates = self.desk.monitor.state("rates").value or ()
        self.fill(
            "pace",
            feed,
            now,
            lambda _, wide, high: view.throughput_rows(
                overview.throughput, now, rates, columns=wide, rows=high, glyphs=glyphs
            ),
        )
        self._draw_channels(overview, self.desk.monitor.state(FEED))

    def _draw_channels(self, overview: Overview, feed: Fetched[Reading]) -> None:
        known = {} if feed.value is None else {series.label: series for series in feed.value.rates}
        panel = self.query_one("#channels", Panel)
        if panel.display == bool(known):
            panel.display = not known
            self.call_after_refresh(self._arranged)
        if not known:
            self.fill("channels", feed, overview.taken_at, lambda *_: [view.NO_CHANNEL])
        elif feed.value is not None and feed.value.timespan != self._timespan and feed.error is None:
            self._ask()
        deployments = self.desk.monitor.state("deployments").value or ()
        for channel, chart in self.charts.items():
            chart.display = channel in known
            if channel in known:
                ceiling = self._ceilings[channel]
                spec = view.channel_chart(known[channel], ceiling, deployments)
                chart.show(spec, overview.taken_at, note=view.channel_note(overview.throughput, channel, ceiling))

    def _arranged(self) -> None:
        """Charts have come or gone: lines are made for the new sizes, and what is there takes the keys."""
        if not self.is_current:
            return
        if self.focused is None:
            self.focus_body()
        self.again()

    def _ask(self) -> None:
        feed = self.desk.monitor.feeds.get(FEED)
        if feed is not None and not feed.reading:
            feed.ask()

    def on_chart_moved(self, event: Chart.Moved) -> None:
        """Another stretch of time: it is that of all channels, belongs to the place, and is read at once."""
        self._timespan = timespan = event.timespan
        for chart in self.charts.values():
            chart.timespan = timespan
        now = self.desk.clock.now()
        self.place = self.place.having(**({"from": "", "to": ""} if timespan.live else timespan.params(now)))
        self._ask()
        self.again()
