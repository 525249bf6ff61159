"""The sweeper's look for chains that nobody looks at: their failure was in a batch of the stream that was given up.

The stream's consumer names failed chains before it counts them, so a campaign whose chains were not all named has open
receipts by its counters; those without are left alone, and so are campaigns none of whose messages anything may follow,
as their plans have noted. The rows of the others are read again each few hours, over
as many sweeps as it takes. What is found is named to the fallback function, which writes a decision once, whoever names
a chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from lambdas.adapters.chains import ChainTable
from lambdas.adapters.dynamo import Table
from lambdas.adapters.queues import Queue
from lambdas.core import keys
from lambdas.core.campaign import LEG_STATUSES, CampaignSummary
from lambdas.core.chains import is_unattended
from lambdas.core.watch import watches

ROUND_MS = 6 * 3_600_000
"""From one look at a campaign's rows to the next: a dozen of them, each of a read unit a row, within the three days in
which chains go on."""
READ_AT_ONCE = 100


class UnattendedChains:
    """Looks at one campaign after the other; `time_left` says whether there is time for one more read."""

    def __init__(
        self, campaigns: Table, chains: ChainTable, fallback: Queue, *, now_ms: int, time_left: Callable[[], bool]
    ) -> None:
        self._campaigns = campaigns
        self._chains = chains
        self._fallback = fallback
        self._now_ms = now_ms
        self._time_left = time_left

    def look_at(self, summary: CampaignSummary, expires_at_s: int | None) -> int:
        """Name the unattended chains of a campaign whose turn it is; how many that were."""
        if summary.status not in LEG_STATUSES or not summary.chained or not summary.open_receipts:
            return 0
        key = {"pk": keys.campaign(summary.id), "sk": keys.CHAINS}
        known = self._campaigns.get(key) or {}
        if self._now_ms < int(known.get("next_round", summary.created_ms + ROUND_MS)):
            return 0
        named, row = 0, int(known.get("row", 0))
        rows = _claimed_from(summary, row)
        while batch := list(islice(rows, READ_AT_ONCE)):
            if not self._time_left():
                self._save(key, {"row": row}, expires_at_s)
                return named
            named += self._name([keys.message(summary.id, each) for each in batch])
            row = batch[-1] + 1
        self._save(key, {"row": 0, "next_round": self._now_ms + ROUND_MS}, expires_at_s)
        return named

    def _name(self, ids: list[str]) -> int:
        stored = self._chains.load(ids)
        found = [each.chain.id for each in stored if is_unattended(each.chain, self._now_ms)]
        self._fallback.send_all([watch.to_json() for watch in watches(found)])
        return len(found)

    def _save(self, key: dict[str, str], reached: dict[str, int], expires_at_s: int | None) -> None:
        values = {**reached, **({} if expires_at_s is None else {"ttl": expires_at_s})}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        self._campaigns.update(key, f"SET {sets}", values)


def _claimed_from(summary: CampaignSummary, first: int) -> Iterator[int]:
    """Claimed rows in the order of their numbers; lanes lie in that order."""
    for lane in summary.lanes:
        yield from range(max(first, lane.claimed.start), lane.claimed.stop)
