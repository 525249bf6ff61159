"""The source over AWS: DescribeAlarms for alarms, DynamoDB counters for everything that moves, never a scan."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from console.domain import Alarm, ApiUse, ChannelSpend, ConsoleError, Message, ProblemKind, Spend
from console.sources.alarm_states import AlarmStates
from console.sources.campaigns import Campaigns
from console.sources.clients import Clients
from console.sources.shapes import message_of, understood
from console.sources.tables import Tables
from console.tallies import is_open
from console.text import safe_line
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import CampaignSummary, ChannelCounts
from lambdas.core.outputs import StackOutputs

PAST_DAY_SECONDS = 3600.0
"""A past day's cost is read again after this long: late receipts bring late prices."""
NEWEST_ROWS = 40
AHEAD_ROWS = 20


class AwsSource:
    """Reads one stack by its outputs. `now` is the epoch second, injected for tests."""

    def __init__(self, outputs: StackOutputs, clients: Clients, now: Callable[[], float] = time.time) -> None:
        self.name = f"{clients.target.endpoint_url or 'AWS'} {clients.target.region}"
        self._outputs = outputs
        self._clients = clients
        self._tables = Tables(clients)
        self._now = now
        self._alarms = AlarmStates(outputs.monitoring.alarm_name_prefix, clients, now)
        self._campaigns = Campaigns(outputs, clients, now)
        self._days: dict[str, tuple[float, Mapping[str, ChannelSpend]]] = {}

    def use(self) -> ApiUse:
        """Calls and dollars so far."""
        return self._clients.meter.use

    def alarms(self) -> tuple[Alarm, ...]:
        """All metric and composite alarms whose name has the stack's prefix."""
        return self._alarms.read()

    def campaigns(self) -> tuple[CampaignSummary, ...]:
        """The newest campaigns and all that are open, with their counters."""
        return self._campaigns.newest_and_open()

    def campaign(self, campaign_id: str) -> CampaignSummary:
        """One campaign, read now."""
        summary = self._campaigns.summary(campaign_id)
        if summary is None:
            raise ConsoleError(
                ProblemKind.NOT_FOUND,
                f"there is no campaign {safe_line(campaign_id, 64)} in {self._outputs.identity.stack}",
                "`cpaas-console campaign list` shows those that are there",
            )
        return summary

    def messages(self, campaigns: Sequence[CampaignSummary]) -> tuple[Message, ...]:
        """The newest messages of the newest campaign that has handed out rows, by their deterministic ids."""
        for campaign in campaigns:
            if campaign.claimed_rows:
                break
        else:
            return ()
        wanted = [keys.message(campaign.id, row) for row in _newest_rows(campaign)]
        items = self._tables.batch_get(self._outputs.messaging.delivery_tracking_table, "message_id", wanted)
        found = [understood("a tracking row", message_of, item) for item in items]
        return tuple(sorted(found, key=lambda message: (message.created_ms, message.id), reverse=True))

    def spend(self) -> Spend:
        """What the messages of each day of this UTC month have cost, from the days' own counters."""
        today = datetime.fromtimestamp(self._now(), UTC).date()
        days = {}
        for number in range(1, today.day + 1):
            day = today.replace(day=number).isoformat()
            days[day] = self._day(day, keep=0.0 if number == today.day else PAST_DAY_SECONDS)
        campaigns = [campaign for campaign in self.campaigns() if is_open(campaign)]
        return Spend(
            today.isoformat(),
            {day: sum(sums.usd for sums in channels.values()) for day, channels in days.items()},
            sum(campaign.reserved_usd for campaign in campaigns),
            sum(campaign.cap_usd for campaign in campaigns) or None,
            _by_channel(days.values()),
        )

    def _day(self, day: str, keep: float) -> Mapping[str, ChannelSpend]:
        """What each channel has sent and cost on a day."""
        at, kept = self._days.get(day, (0.0, {}))
        if day in self._days and self._now() - at < keep:
            return kept
        items = self._tables.query(
            self._outputs.campaigns.campaigns_table,
            "#pk = :pk AND begins_with(#sk, :counts)",
            {"#pk": "pk", "#sk": "sk"},
            {":pk": {"S": keys.spend_day(day)}, ":counts": {"S": keys.COUNT_PREFIX}},
        )
        found = dict(understood("a day's counter", _channel, item) for item in items)
        self._days[day] = (self._now(), found)
        return found


def _channel(item: Item) -> tuple[str, ChannelSpend]:
    channel = safe_line(str(item["sk"]).removeprefix(keys.COUNT_PREFIX), 16)
    return channel, ChannelSpend(int(item.get("sent", 0)), float(item.get("cost", 0)))


def _by_channel(days: Iterable[Mapping[str, ChannelSpend]]) -> dict[str, ChannelSpend]:
    sums: dict[str, ChannelSpend] = {}
    for day in days:
        for channel, spend in day.items():
            sums[channel] = sums.get(channel, ChannelSpend()) + spend
    return sums


def _newest_rows(campaign: CampaignSummary) -> list[int]:
    """The rows of each channel that were handed out last, and a few that are about to be."""
    share = NEWEST_ROWS // max(1, len(campaign.lanes))
    rows: list[int] = []
    for lane in campaign.lanes:
        counts = campaign.channels.get(lane.channel, ChannelCounts())
        handled = counts.sent + counts.failed + counts.in_doubt + AHEAD_ROWS
        rows += lane.claimed[max(0, min(len(lane.claimed), max(handled, share)) - share) :][:share]
    return rows
