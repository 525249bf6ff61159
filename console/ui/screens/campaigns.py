"""The newest campaigns, and one campaign live: target against achieved, its end, its channels, who gets nothing."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.domain import Fetched, Overview, Throughput
from console.places import Place
from console.services.feed import FeedSpec
from console.services.throughput import ThroughputMeter
from console.ui.campaign_actions import campaign_actions
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.table_screen import TableScreen
from console.ui.widgets.panel import Panel
from console.view import campaign as view
from console.view.export import json_of
from console.view.overview import list_note
from console.view.segments import Line
from console.view.tables import campaigns as rows
from console.view.throughput import throughput_rows
from lambdas.core.campaign import CampaignSummary


class CampaignsScreen(TableScreen[CampaignSummary]):
    """The newest campaigns; enter opens one."""

    kind = rows.KIND
    reads = ("campaigns",)

    def feed(self, overview: Overview) -> Fetched[Sequence[CampaignSummary]]:
        """The campaigns with their counters."""
        return overview.campaigns

    def details(self, item: CampaignSummary) -> Sequence[Line]:
        """Course and state."""
        now, glyphs = self.desk.clock.now(), self.desk.glyphs
        return [*view.course_lines(item, now, glyphs), (), *view.state_lines(item, glyphs), (), *view.why_lines(item)]

    def subject_of(self, item: CampaignSummary) -> str:
        """Its id."""
        return item.id

    def empty(self) -> str:
        """A stack that has sent nothing yet."""
        return "no campaign yet; press a to send a test"

    def note(self) -> str:
        """How many, and what may be missing."""
        cut = list_note(self.table.items)
        return f"{cut}  {super().note()}" if cut else super().note()

    def actions(self) -> Sequence[Choice]:
        """What can be done to the campaign under the cursor."""
        return () if self.item is None else campaign_actions(self.desk, self.item)


class CampaignScreen(ConsoleScreen):
    """One campaign, read again and again while it is looked at."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall")]  # noqa: RUF012 - Textual's own type

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self._meter = ThroughputMeter()
        self._throughput = Throughput()
        self._metered_at: float | None = None

    @property
    def feed_name(self) -> str:
        """The feed about this campaign."""
        return f"campaign {self.place.subject}"

    def own_feeds(self) -> Sequence[FeedSpec]:
        """The campaign itself."""
        campaign_id, source = self.place.subject, self.desk.connection.source
        every = self.desk.monitor.spec("campaigns").every
        return (FeedSpec(self.feed_name, lambda: source.campaign(campaign_id), every),)

    @property
    def campaign(self) -> CampaignSummary | None:
        """As it was read last."""
        value: CampaignSummary | None = self.desk.monitor.state(self.feed_name).value
        return value

    def body(self) -> ComposeResult:
        """Course and chart above, states and channels below."""
        glyphs = self.desk.glyphs
        with Vertical(id="campaign-body"):
            with Horizontal(classes="pair"):
                yield Panel("campaign", glyphs, id="course")
                yield Panel("throughput", glyphs, id="pace")
            with Horizontal(classes="pair", id="standing"):
                yield Panel("messages", glyphs, id="states")
                yield Panel("channels", glyphs, id="channels")
            yield Panel("not sent to", glyphs, id="why")

    def draw(self, overview: Overview) -> None:
        """All of it, from one reading."""
        feed: Fetched[CampaignSummary] = self.desk.monitor.state(self.feed_name)
        now, glyphs = overview.taken_at, self.desk.glyphs
        self._measure(feed)
        self.fill(
            "course",
            feed,
            now,
            lambda campaign, wide, high: view.course_lines(campaign, now, glyphs, columns=wide, rows=high),
        )
        self.fill(
            "pace",
            feed,
            now,
            lambda _, wide, high: throughput_rows(self._throughput, now, columns=wide, rows=high, glyphs=glyphs),
        )
        self.fill("states", feed, now, lambda campaign, *_: view.state_lines(campaign, glyphs))
        self.fill(
            "channels", feed, now, lambda campaign, wide, high: view.channel_lines(campaign, columns=wide, rows=high)
        )
        self.fill("why", feed, now, lambda campaign, *_: view.why_lines(campaign, max(2, self.size.height // 8)))

    def _measure(self, feed: Fetched[CampaignSummary]) -> None:
        if feed.value is not None and feed.at is not None and feed.at != self._metered_at:
            self._metered_at = feed.at
            self._throughput = self._meter.observe(feed.at, (feed.value,))

    def jumps(self) -> Sequence[Choice]:
        """Its messages."""
        campaign_id = self.place.subject
        return (
            Choice(
                "m", "messages", f"of {campaign_id}", lambda: self.desk.go(Place("messages", f"campaign={campaign_id}"))
            ),
        )

    def actions(self) -> Sequence[Choice]:
        """What can be done to it."""
        return () if self.campaign is None else campaign_actions(self.desk, self.campaign)

    def copies(self) -> Sequence[Copyable]:
        """Its id and all that is known of it."""
        campaign = self.campaign
        if campaign is None:
            return ()
        return (
            Copyable("c", "id", lambda: campaign.id),
            Copyable("j", "JSON", lambda: json_of(campaign.to_json(round(self.desk.clock.now() * 1000)))),
        )
