"""The campaigns of a stack with their counters: the newest, and every older one that may still send."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.domain import NEWEST_CAMPAIGNS
from console.sources.clients import Clients
from console.sources.shapes import campaign_of, understood
from console.sources.tables import Tables
from console.tallies import is_open
from lambdas.core import keys
from lambdas.core.campaign import OPEN_STATUSES, CampaignSummary
from lambdas.core.outputs import StackOutputs
from lambdas.core.work import campaign_rates

LOOK_BACK_SECONDS = 90 * 86_400.0
"""Campaigns older than the sweeper looks back are over."""
WALK_SECONDS = 60.0
"""The whole list is walked this often; in between an open campaign is followed by its id."""
SETTLED_SECONDS = 60.0
"""A settled campaign is read again after this long: a late receipt may still raise one of its messages."""


class Campaigns:
    """Reads campaigns by key; `now` is the epoch second.

    `created-index` knows when campaigns were created and not how they stand, so each older one is looked at once: what
    has ended stays so, and only those that are open are read again.
    """

    def __init__(self, outputs: StackOutputs, clients: Clients, now: Callable[[], float]) -> None:
        self._table = outputs.campaigns.campaigns_table
        self._outputs = outputs
        self._tables = Tables(clients)
        self._now = now
        self._settled: dict[str, tuple[float, CampaignSummary]] = {}
        self._ended: frozenset[str] = frozenset()
        self._open: frozenset[str] = frozenset()
        self._walked_at: float | None = None

    def newest_and_open(self) -> tuple[CampaignSummary, ...]:
        """The newest `NEWEST_CAMPAIGNS` and all others that are open, newest first; settled ones from memory for a
        minute."""
        newest = self._listed(0.0, NEWEST_CAMPAIGNS)
        self._open |= self._walk(newest)
        wanted = [*newest, *sorted(self._open - set(newest))]
        found = [summary for name in wanted if (summary := self.summary(name, SETTLED_SECONDS)) is not None]
        self._open = frozenset(campaign.id for campaign in found if is_open(campaign))
        shown = [campaign for campaign in found if campaign.id in newest or is_open(campaign)]
        return tuple(sorted(shown, key=lambda campaign: campaign.created_ms, reverse=True))

    def summary(self, campaign_id: str, keep: float = 0.0) -> CampaignSummary | None:
        """One campaign, read now, or no longer than `keep` seconds ago where it was settled then; None where there is
        none."""
        at, kept = self._settled.get(campaign_id, (0.0, None))
        if kept is not None and self._now() - at < keep:
            return kept
        items = self._tables.query(
            self._table,
            "#pk = :pk AND #sk BETWEEN :counts AND :meta",
            {"#pk": "pk", "#sk": "sk"},
            {
                ":pk": {"S": keys.campaign(campaign_id)},
                ":counts": {"S": keys.COUNT_PREFIX},
                ":meta": {"S": keys.META},
            },
        )
        if not any(item["sk"] == keys.META for item in items):
            return None
        rates = campaign_rates(self._outputs.messaging.rates())
        summary = understood("a campaign", lambda raw: campaign_of(raw, rates), items)
        if summary.settled:
            self._settled[campaign_id] = (self._now(), summary)
        return summary

    def _walk(self, newest: Sequence[str]) -> frozenset[str]:
        """The open campaigns behind the newest, looked for once in a while; nothing in between."""
        now = self._now()
        if len(newest) < NEWEST_CAMPAIGNS or (self._walked_at is not None and now - self._walked_at < WALK_SECONDS):
            return frozenset()
        unknown = [name for name in self._listed(now - LOOK_BACK_SECONDS) if name not in self._ended]
        metas = self._tables.batch_get_keys(
            self._table, [{"pk": keys.campaign(name), "sk": keys.META} for name in unknown if name not in newest]
        )
        still = {keys.campaign_id(str(meta["pk"])): meta["status"] in OPEN_STATUSES for meta in metas}
        self._ended |= {name for name, sends in still.items() if not sends}
        self._walked_at = now
        return frozenset(name for name, sends in still.items() if sends)

    def _listed(self, since: float, limit: int | None = None) -> list[str]:
        """Ids of the campaigns created since that epoch second, newest first."""
        listed = self._tables.query(
            self._table,
            "#listing = :listing AND #created >= :since",
            {"#listing": "listing", "#created": "created_at"},
            {":listing": {"S": keys.ALL_CAMPAIGNS}, ":since": {"N": str(int(since * 1000))}},
            index=keys.CREATED_INDEX,
            newest_first=True,
            limit=limit,
        )
        return [keys.campaign_id(str(item["pk"])) for item in listed]
