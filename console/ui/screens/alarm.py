"""One alarm: its metric with the threshold, what it means, what was deployed before it, its history."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container

from console.deployments import rollouts
from console.domain import Alarm, Fetched, Overview
from console.places import Place
from console.services.feed import FeedSpec
from console.services.jumps import turned_at
from console.telemetry import AlarmChange, AlarmDetail, Deployment, Series
from console.ui.alarm_jumps import alarm_jumps
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.help import TextScreen
from console.ui.widgets.chart import Chart
from console.ui.widgets.panel import Panel
from console.ui.widgets.virtual_table import VirtualTable
from console.view import alarm as view
from console.view.export import Sheet, json_of, sheet_of
from console.view.overview import waiting
from console.view.segments import Line
from console.view.table import Table
from console.view.tables import alarm_history
from console.view.tables import alarms as alarm_rows
from console.view.timespan import Timespan


@dataclass(frozen=True, slots=True)
class Reading:
    """A series, and for which stretch of time it was asked."""

    timespan: Timespan
    series: Series | None


class AlarmScreen(ConsoleScreen):
    """Chart and facts above, history below; of a composite alarm its child alarms in the chart's place."""

    reads = ("deployments",)

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self.history: Table[AlarmChange] = Table(alarm_history.KIND, desk.look())
        self.children_table: Table[Alarm] = Table(alarm_rows.KIND, desk.look())
        self._timespan = Timespan.of(place.params)
        self._chosen = "from" in place.params
        self._showing = "#metric"

    @property
    def detail(self) -> AlarmDetail | None:
        """The alarm as it was read last."""
        return self._known.value

    @property
    def _known(self) -> Fetched[AlarmDetail]:
        return self.desk.monitor.state(f"alarm {self.place.subject}")

    @property
    def _drawn(self) -> Fetched[Reading]:
        return self.desk.monitor.state(f"series {self.place.subject}")

    def own_feeds(self) -> Sequence[FeedSpec]:
        """The alarm a third as often as the list of alarms, because it takes two calls that are billed; its metric as
        often as CloudWatch has a new point."""
        name, monitor = self.place.subject, self.desk.monitor
        telemetry = self.desk.connection.telemetry
        return (
            FeedSpec(f"alarm {name}", lambda: telemetry.alarm(name), 3 * monitor.spec("alarms").every),
            FeedSpec(f"series {name}", self._read_series, monitor.spec("queues").every),
        )

    def _read_series(self) -> Reading:
        telemetry, timespan = self.desk.connection.telemetry, self._timespan
        detail = self.detail or telemetry.alarm(self.place.subject)
        if detail.rule is None:
            return Reading(timespan, None)
        now = self.desk.clock.now()
        if not self._chosen:
            timespan = view.first_timespan(detail.alarm, now)
        start, end = timespan.bounds(now)
        return Reading(timespan, telemetry.series(detail.rule, start, end))

    def body(self) -> ComposeResult:
        """Facts, chart or children, history."""
        glyphs = self.desk.glyphs
        with Container(id="alarm-body"):
            with Container(id="alarm-top"):
                yield Panel("alarm", glyphs, id="facts")
                yield Chart("metric", glyphs, id="metric", timespan=self._timespan)
                yield Panel("metric", glyphs, id="no-metric")
                yield VirtualTable(self.children_table, glyphs, id="children", empty="no child alarm is known")
            yield VirtualTable(self.history, glyphs, id="table", empty="no change of state is known")

    def opened(self) -> None:
        """The chart takes the keys."""
        super().opened()
        self.focus_body()

    def focus_body(self) -> None:
        """Chart, children or history: what there is."""
        shown = [each for each in ("#metric", "#children", "#table") if self.query_one(each).display]
        self.query_one(shown[0]).focus()

    def draw(self, overview: Overview) -> None:
        """Each part by itself: without its metric an alarm still says what it knows."""
        now = overview.taken_at
        self._draw_facts(overview)
        detail = self.detail
        if detail is None:
            return
        self._show_only(
            "#children" if detail.rule is None else "#no-metric" if self._drawn.value is None else "#metric"
        )
        if detail.rule is None:
            self._draw_children(detail, overview)
        else:
            self._draw_metric(detail, now)
        self.history.look = self.desk.look()
        self.history.put(detail.history)
        self.query_one("#table", VirtualTable).update_rows()

    def _show_only(self, wanted: str) -> None:
        """One of the three that share a place; what comes into it takes the keys."""
        for each in ("#metric", "#no-metric", "#children"):
            self.query_one(each).display = each == wanted
        if wanted != self._showing:
            self._showing = wanted
            self.focus_body()

    @property
    def _deployments(self) -> Sequence[Deployment]:
        return self.desk.monitor.state("deployments").value or ()

    def _draw_facts(self, overview: Overview) -> None:
        now, glyphs = overview.taken_at, self.desk.glyphs
        known = [alarm.name for alarm in overview.alarms.value or ()]

        def lines(detail: AlarmDetail, *_: int) -> list[Line]:
            facts = (
                *view.state_lines(detail.alarm, now, glyphs),
                view.series_line(self._drawn, now, glyphs),
                view.rule_line(detail, overview.stack.alarm_prefix),
                view.missing_line(detail.children, known),
                view.deployment_line(rollouts(self._deployments), detail.last_rise, now),
                view.runbook_line(detail.alarm),
                view.metric_line(detail),
                view.reason_line(detail.alarm),
            )
            return [each for each in facts if each]

        self.fill("facts", self._known, now, lines)

    def _draw_children(self, detail: AlarmDetail, overview: Overview) -> None:
        self.children_table.look = self.desk.look()
        self.children_table.put([each for each in overview.alarms.value or () if each.name in detail.children])
        self.query_one("#children", VirtualTable).update_rows()

    def _draw_metric(self, detail: AlarmDetail, now: float) -> None:
        feed, chart = self._drawn, self.query_one("#metric", Chart)
        if feed.value is None:
            self.query_one("#no-metric", Panel).show(waiting(feed, now, self.desk.glyphs))
            return
        if not self._chosen:
            self._timespan, self._chosen = feed.value.timespan, True
            chart.timespan = self._timespan
        elif feed.value.timespan != self._timespan and feed.error is None:
            self._ask_series()
        chart.show(view.alarm_chart(detail, feed.value.series, self._deployments), now)

    def _ask_series(self) -> None:
        feed = self.desk.monitor.feeds.get(f"series {self.place.subject}")
        if feed is not None and not feed.reading:
            feed.ask()

    def on_chart_moved(self, event: Chart.Moved) -> None:
        """Another stretch of time: it belongs to the place, and is read at once."""
        self._show_span(event.timespan)

    def _show_span(self, timespan: Timespan) -> None:
        self._timespan, self._chosen = timespan, True
        chart = self.query_one("#metric", Chart)
        chart.timespan = timespan
        now = self.desk.clock.now()
        self.place = self.place.having(**({"from": "", "to": ""} if timespan.live else timespan.params(now)))
        self._ask_series()
        self.again()

    def on_virtual_table_chosen(self, event: VirtualTable.Chosen) -> None:
        """A child alarm is opened, a change of state shown whole."""
        if isinstance(event.item, Alarm):
            self.desk.go(Place("alarms", event.item.name))
        elif isinstance(event.item, AlarmChange):
            each = event.item
            lines = view.change_lines(each.old, each.new, each.at, each.reason)
            self.desk.ask(TextScreen("change of state", lines, self.desk.glyphs), lambda _: None)

    def flaw(self) -> Exception | None:
        """A cell of either table that could not be shown."""
        return self.history.flaw or self.children_table.flaw

    def narrow(self, text: str) -> bool:
        """Only the changes of state that pass."""
        self.history.narrow(text)
        self.place = self.place.having(filter=text.strip())
        self.query_one("#table", VirtualTable).update_rows()
        return True

    def note(self) -> str:
        """The filter of the history."""
        return f"/{self.history.filter.text}" if self.history.filter else ""

    def jumps(self) -> Sequence[Choice]:
        """From the alarm to what explains it."""
        detail = self.detail
        if detail is None:
            return ()
        return alarm_jumps(self, detail.alarm, detail, None if detail.rule is None else lambda: self._zoom(detail))

    def _zoom(self, detail: AlarmDetail) -> None:
        now = self.desk.clock.now()
        self.query_one("#metric").focus()
        self._show_span(view.window_timespan(detail, turned_at(detail.alarm, detail, now), now))

    def copies(self) -> Sequence[Copyable]:
        """ARN, JSON, and the commands that show alarm and metric."""
        detail, stack = self.detail, self.desk.stack
        if detail is None:
            return ()
        found = [
            Copyable("a", "ARN", lambda: detail.arn),
            Copyable("j", "JSON", lambda: json_of(detail)),
            Copyable("i", "AWS CLI command", lambda: shlex.join(view.show_command(detail, stack))),
        ]
        if (rule := detail.rule) is not None:
            start, end = self._timespan.bounds(self.desk.clock.now())
            words = view.data_command(rule, start, end, stack)
            found.append(Copyable("g", "AWS CLI, its metric", lambda: shlex.join(words)))
        return found

    def sheet(self) -> Sheet | None:
        """The history."""
        return sheet_of(self.history)
