"""What the month costs: so far, to its end, by day and channel, on AWS's bill, and by looking at it here."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.domain import Fetched, Overview
from console.services.budget import STEPS
from console.telemetry import Bill
from console.ui.screens.base import ConsoleScreen
from console.ui.widgets.panel import Panel
from console.view import month as view
from console.view.export import Sheet
from console.view.overview import freshness, waiting


class CostScreen(ConsoleScreen):
    """Money of this UTC month; each panel with the age of its own data."""

    reads = ("spend", "bill")

    def body(self) -> ComposeResult:
        """Sums above, days between, bills below."""
        glyphs = self.desk.glyphs
        with Vertical(id="cost-body"):
            with Horizontal(classes="pair"):
                yield Panel("messages", glyphs, id="money")
                yield Panel("per 1,000 messages", glyphs, id="rates")
            yield Panel("by day", glyphs, id="days")
            with Horizontal(classes="pair"):
                yield Panel("AWS", glyphs, id="bill")
                yield Panel("this console's calls", glyphs, id="own")

    def draw(self, overview: Overview) -> None:
        """All panels."""
        now, glyphs, spend = overview.taken_at, self.desk.glyphs, overview.spend
        self.fill("money", spend, now, lambda value, wide, _: view.money_lines(value, now, wide))
        self.fill("rates", spend, now, lambda value, wide, _: view.channel_lines(value, wide))
        self.fill(
            "days",
            spend,
            now,
            lambda value, wide, high: view.day_lines(value, now, columns=wide, rows=high, glyphs=glyphs),
            note="" if spend.value is None else view.day_note(spend.value),
        )
        self._draw_bill(now)
        own = self.query_one("#own", Panel)
        own.show(view.own_lines(self._own(overview), own.size.width, glyphs))

    def _draw_bill(self, now: float) -> None:
        """Not `fill`: that there is no bill is an answer."""
        feed: Fetched[Bill | None] = self.desk.monitor.state("bill")
        panel, glyphs = self.query_one("#bill", Panel), self.desk.glyphs
        if feed.at is None:
            panel.show(waiting(feed, now, glyphs))
        else:
            bill = feed.value
            lines = view.bill_lines(bill, columns=panel.size.width, rows=panel.size.height)
            asked = () if bill is None else view.bill_badge(bill, now)
            badge = asked if feed.error is None else freshness(feed, now, glyphs)
            panel.show(lines, note="" if bill is None else bill.scope.removeprefix("the "), badge=badge)

    def _own(self, overview: Overview) -> view.OwnSpend:
        budget = self.desk.monitor.budget
        if budget is None:
            return view.OwnSpend(overview.api, None, 0.0, overview.slowness, STEPS)
        return view.OwnSpend(
            overview.api, budget.month_to_date_usd, budget.monthly_usd, overview.slowness, STEPS, budget.trouble
        )

    def sheet(self) -> Sheet | None:
        """The days of the month."""
        spend = None if self._last is None else self._last.spend.value
        if spend is None:
            return None
        days = sorted(spend.by_day.items())
        documents = [{"day": day, "usd": usd} for day, usd in days]
        return Sheet("cost", ("day", "usd"), [(day, f"{usd:.6f}") for day, usd in days], documents)
