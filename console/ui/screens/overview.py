"""The overview: alarms, throughput, campaign, delivery, cost, sessions and the last messages of one stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from console.domain import AlarmState, Overview
from console.places import Place
from console.services.feed import FeedSpec
from console.services.monitor import OVERVIEW
from console.sessions.state import sessions_off
from console.ui.campaign_actions import campaign_actions
from console.ui.choices import Choice
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.widgets.panel import Panel
from console.view import overview as view
from console.view.sessions import off_line, pulse_line
from console.view.throughput import NO_HISTORY, throughput_rows
from lambdas.core.campaign import CampaignSummary

PANEL_SCREENS = {
    "alarms": "alarms",
    "throughput": "throughput",
    "campaigns": "campaigns",
    "delivery": "messages",
    "cost": "cost",
    "sessions": "sessions",
    "messages": "messages",
}
"""Which screen has more of what a panel shows."""


class Door(Panel, can_focus=True):
    """A panel that leads to more of what it shows: by a click, or by enter once tab has chosen it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "enter", "open", key_display="enter")]

    def action_enter(self) -> None:
        """The screen behind it."""
        assert isinstance(self.screen, OverviewScreen)
        self.screen.action_open(PANEL_SCREENS[str(self.id)])


class OverviewScreen(ConsoleScreen):
    """Alarms, throughput, campaigns, delivery, cost, sessions and the last messages; a click on a panel opens its
    screen, and so does enter on the one that tab has chosen."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall")]  # noqa: RUF012 - Textual's own type
    reads = OVERVIEW
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open('alarms')", "alarms", key_display="enter"),
        Binding("down,j", "choose(1)", "select the next open campaign", show=False),
        Binding("up,k", "choose(-1)", "select the one before", show=False),
    ]

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self._selected: str | None = None
        self._off = sessions_off(desk.connection.outputs)

    @property
    def selected(self) -> CampaignSummary | None:
        """The campaign that actions are about: the chosen one as long as it is shown, else the first."""
        shown = self._shown_campaigns()
        return next((each for each in shown if each.id == self._selected), shown[0] if shown else None)

    def action_choose(self, step: int) -> None:
        """Select the next or the last campaign of those shown."""
        shown, selected = self._shown_campaigns(), self.selected
        if selected is not None:
            place = min(max(0, shown.index(selected) + step), len(shown) - 1)
            self._selected = shown[place].id
            self.again()

    def action_open(self, screen: str) -> None:
        """The screen behind a panel."""
        self.desk.go(Place(screen))

    def on_click(self, event: events.Click) -> None:
        """A click on a panel opens its screen."""
        if isinstance(event.widget, Door):
            self.set_focus(None)
            event.widget.action_enter()

    def action_leave(self) -> None:
        """Escape: no panel is chosen any more."""
        if self.focused is not None:
            self.set_focus(None)
        else:
            super().action_leave()

    def actions(self) -> Sequence[Choice]:
        """What can be done to the selected campaign."""
        campaign = self.selected
        return () if campaign is None else campaign_actions(self.desk, campaign)

    def own_feeds(self) -> Sequence[FeedSpec]:
        """What was sent before this console was opened, and sessions where the stack has them."""
        return [self.desk.monitor.spec(name) for name in ("rates", *(() if self._off else ("session_gauges",)))]

    def _shown_campaigns(self) -> list[CampaignSummary]:
        return [] if self._last is None else view.shown_campaigns(self._last.campaigns.value or ())

    def body(self) -> ComposeResult:
        """The panels."""
        glyphs = self.desk.glyphs
        with Vertical(id="panels"):
            with Horizontal(id="top"):
                yield Door("alarms", glyphs, id="alarms")
                yield Door("throughput", glyphs, id="throughput")
            yield Door("campaigns", glyphs, id="campaigns")
            with Horizontal(id="middle"):
                yield Door("campaigns, 24 h", glyphs, id="delivery")
                yield Door("cost", glyphs, id="cost")
            yield Door("sessions", glyphs, id="sessions")
            yield Door("last messages", glyphs, id="messages")

    def draw(self, overview: Overview) -> None:
        """Each panel alone: with its data, their age, or its trouble."""
        glyphs, now, rates = self.desk.glyphs, overview.taken_at, self.desk.monitor.state("rates")
        self._show_alarms(overview)
        self.fill(
            "throughput",
            overview.campaigns,
            now,
            lambda _, wide, high: throughput_rows(
                overview.throughput, now, rates.value or (), columns=wide, rows=high, glyphs=glyphs
            ),
            note="" if rates.value is not None or rates.error is None else NO_HISTORY,
        )
        self.fill(
            "campaigns",
            overview.campaigns,
            now,
            lambda value, wide, _: view.campaign_rows(
                value,
                now,
                columns=wide,
                rows=max(2, self.size.height // 8),
                glyphs=glyphs,
                selected=selected.id if (selected := self.selected) else None,
            ),
        )
        self.fill(
            "delivery",
            overview.campaigns,
            now,
            lambda value, wide, high: view.delivery_rows(value, now, columns=wide, rows=high, glyphs=glyphs),
            note=view.delivery_note(overview.campaigns.value or (), now),
        )
        self.fill(
            "cost",
            overview.spend,
            now,
            lambda value, wide, high: view.cost_rows(value, now, overview, columns=wide, rows=high),
        )
        self._show_sessions(now)
        self.fill(
            "messages",
            overview.messages,
            now,
            lambda value, wide, high: view.message_rows(value, columns=wide, rows=high, glyphs=glyphs),
        )

    def _show_sessions(self, now: float) -> None:
        glyphs, feed = self.desk.glyphs, self.desk.monitor.state("session_gauges")
        panel = self.query_one("#sessions", Panel)
        name = "" if panel.styles.border_top[0] else "sessions  "
        if self._off is not None:
            panel.show([off_line(self._off, name=name, columns=panel.size.width)])
            return
        self.fill(
            "sessions",
            feed,
            now,
            lambda value, wide, _: [pulse_line(value, now, name=name, columns=wide, glyphs=glyphs)],
        )

    def _show_alarms(self, overview: Overview) -> None:
        alarms = overview.alarms.value or ()
        loud = any(alarm.state is AlarmState.ALARM for alarm in alarms)
        self.query_one("#alarms", Panel).set_class(loud, "-alarm")
        self.fill(
            "alarms",
            overview.alarms,
            overview.taken_at,
            lambda value, wide, high: view.alarm_rows(
                value,
                overview.taken_at,
                columns=wide,
                rows=high,
                glyphs=self.desk.glyphs,
                prefix=overview.stack.alarm_prefix,
            ),
            note=view.alarm_summary(alarms) if overview.alarms.value is not None else "",
        )
