"""Who must not be written to on a channel: RECIPIENT items of the campaigns table, keyed by the number in E.164 form or
the email address in lower case. Who has left one channel has not left the others.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from lambdas.adapters.clock import now_ms
from lambdas.adapters.dynamo import MAX_BATCH_GET, Table
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.opt_out_state import REASON_PREFIX
from lambdas.core.simulator import is_simulator


class OptOuts:
    """Implements `lambdas.core.ports.OptOutPort` for one channel."""

    def __init__(self, table: Table, channel: Channel) -> None:
        self._table = table
        self._sort_key = keys.recipient_state(channel)

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        """Those of `destinations` that must not be written to, read now and consistently."""
        by_key = {keys.recipient(destination): destination for destination in destinations}
        items = self._table.batch_get(({"pk": key, "sk": self._sort_key} for key in by_key), consistent=True)
        return frozenset(by_key[item["pk"]] for item in items if "opted_out_at" in item)

    def remember(self, destination: str, source: str = "provider") -> None:
        """Record that `destination` must not be written to; the first time and the first source stay.

        Each source is kept with its own last time, so that lifting one (`opt_out_register`) lifts no other.

        AWS's simulator destinations reach nobody and fail on purpose: they are never recorded, or each test campaign
        would be smaller than the one before.
        """
        if is_simulator(destination):
            return
        self._table.update(
            {"pk": keys.recipient(destination), "sk": self._sort_key},
            "SET #opted_out_at = if_not_exists(#opted_out_at, :now), #source = if_not_exists(#source, :source),"
            f" #{REASON_PREFIX}{source} = :now ADD #version :one",
            {"now": now_ms(), "source": source, "one": 1},
        )


class ChannelOptOuts:
    """The opt-outs of every channel, for who has several in hand."""

    def __init__(self, table: Table) -> None:
        self._by_channel = {channel: OptOuts(table, channel) for channel in Channel}

    def __getitem__(self, channel: Channel) -> OptOuts:
        return self._by_channel[channel]

    def opted_out(self, channel: Channel, destinations: Collection[str]) -> frozenset[str]:
        """As `OptOuts.opted_out`, of one channel."""
        return self._by_channel[channel].opted_out(destinations)


class SideBySideOptOuts:
    """The opt-outs of every channel, read in several requests at a time: what planning a million rows waits for."""

    THREADS = 8

    def __init__(self, table: Table) -> None:
        self._opt_outs = ChannelOptOuts(table)
        self._threads = ThreadPoolExecutor(self.THREADS, "opt-outs")

    def opted_out(self, channel: Channel, destinations: Collection[str]) -> frozenset[str]:
        """As `OptOuts.opted_out`, of one channel."""
        left = iter(destinations)
        batches = list(iter(lambda: tuple(islice(left, MAX_BATCH_GET)), ()))
        found = self._threads.map(lambda batch: self._opt_outs.opted_out(channel, batch), batches)
        return frozenset[str]().union(*found)
