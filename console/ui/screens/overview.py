"""The overview: alarms, throughput, campaign, delivery, cost and the last messages of one stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from console.domain import AlarmState, Fetched, Overview
from console.ui.widgets.panel import Bar, Panel
from console.view import overview as view
from console.view.glyphs import Glyphs
from console.view.segments import Line
from lambdas.core.campaign import CampaignSummary


class OverviewScreen(Screen[None]):
    """Renders one `Overview` per beat; holds no truth of its own but the last one, to draw it again on a resize."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual's own type

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._last: Overview | None = None
        self._selected: str | None = None

    @property
    def selected(self) -> CampaignSummary | None:
        """The campaign that keys act on: the chosen one as long as it is shown, else the first."""
        shown = self._shown_campaigns()
        return next((each for each in shown if each.id == self._selected), shown[0] if shown else None)

    def choose(self, step: int) -> None:
        """Select the next or the last campaign of those shown."""
        shown, selected = self._shown_campaigns(), self.selected
        if selected is not None:
            place = min(max(0, shown.index(selected) + step), len(shown) - 1)
            self._selected = shown[place].id
            self._again()

    def _shown_campaigns(self) -> list[CampaignSummary]:
        return [] if self._last is None else view.shown_campaigns(self._last.campaigns.value or ())

    def compose(self) -> ComposeResult:
        """Header, panels, status, keys."""
        glyphs = self._glyphs
        yield Bar(glyphs, id="header")
        with Vertical(id="panels"):
            with Horizontal(id="top"):
                yield Panel("alarms", glyphs, id="alarms")
                yield Panel("throughput", glyphs, id="throughput")
            yield Panel("campaigns", glyphs, id="campaigns")
            with Horizontal(id="middle"):
                yield Panel("delivery, 24 h", glyphs, id="delivery")
                yield Panel("cost", glyphs, id="cost")
            yield Panel("last messages", glyphs, id="messages")
        yield Bar(glyphs, id="status")
        yield Footer(show_command_palette=False)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are made for a size, so they are made again for the new one."""
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self._last is not None:
            self.show(self._last)

    def show(self, overview: Overview) -> None:
        """Draw `overview`."""
        self._last = overview
        glyphs, now = self._glyphs, overview.taken_at
        columns = self.size.width
        header = self.query_one("#header", Bar)
        self.set_class(overview.stack.environment == "prod", "-prod")
        header.show(view.header_row(overview, columns=columns, glyphs=glyphs))
        self.query_one("#status", Bar).show(view.status_row(overview, columns=columns, glyphs=glyphs))
        self._show_alarms(overview)
        self._fill(
            "throughput",
            overview.campaigns,
            now,
            lambda _, wide, high: view.throughput_rows(overview, columns=wide, rows=high, glyphs=glyphs),
        )
        self._fill(
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
        self._fill(
            "delivery",
            overview.campaigns,
            now,
            lambda value, wide, _: view.delivery_rows(value, now, columns=wide, glyphs=glyphs),
        )
        self._fill(
            "cost",
            overview.spend,
            now,
            lambda value, wide, _: view.cost_rows(value, now, overview, columns=wide),
        )
        self._fill(
            "messages",
            overview.messages,
            now,
            lambda value, wide, high: view.message_rows(value, columns=wide, rows=high, glyphs=glyphs),
        )

    def _show_alarms(self, overview: Overview) -> None:
        alarms = overview.alarms.value or ()
        loud = any(alarm.state is AlarmState.ALARM for alarm in alarms)
        self.query_one("#alarms", Panel).set_class(loud, "-alarm")
        self._fill(
            "alarms",
            overview.alarms,
            overview.taken_at,
            lambda value, wide, high: view.alarm_rows(
                value,
                overview.taken_at,
                columns=wide,
                rows=high,
                glyphs=self._glyphs,
                prefix=overview.stack.alarm_prefix,
            ),
            note=view.alarm_summary(alarms) if overview.alarms.value is not None else "",
        )

    def _fill(
        self,
        name: str,
        feed: Fetched[object],
        now: float,
        rows: Callable[..., Sequence[Line]],
        *,
        note: str = "",
    ) -> None:
        panel = self.query_one(f"#{name}", Panel)
        size = panel.size
        if feed.value is None:
            panel.show(view.waiting(feed, now, self._glyphs))
        else:
            badge = view.freshness(feed, now, self._glyphs)
            panel.show(rows(feed.value, size.width, size.height), note=note, badge=badge)
