"""Throughput of the whole stack: target against achieved over time, and by channel."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from console.domain import Overview
from console.ui.screens.base import ConsoleScreen
from console.ui.widgets.panel import Panel
from console.view import throughput as view
from console.view.overview import throughput_rows


class ThroughputScreen(ConsoleScreen):
    """The overview's chart at full size, and what each channel does of it."""

    reads = ("campaigns",)

    def body(self) -> ComposeResult:
        """Chart above, channels below."""
        with Vertical(id="throughput-body"):
            yield Panel("throughput", self.desk.glyphs, id="pace")
            yield Panel("by channel", self.desk.glyphs, id="channels")

    def draw(self, overview: Overview) -> None:
        """From the campaigns' counters."""
        glyphs, now, feed = self.desk.glyphs, overview.taken_at, overview.campaigns
        self.fill(
            "pace", feed, now, lambda _, wide, high: throughput_rows(overview, columns=wide, rows=high, glyphs=glyphs)
        )
        rates = self.desk.connection.outputs.messaging.rates
        self.fill("channels", feed, now, lambda *_: view.channel_rows(overview.throughput, rates()))
