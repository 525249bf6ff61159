"""What must hold after any run of a sender, and hooks that act in the middle of one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal

from lambdas.core.campaign import CampaignStatus
from lambdas.core.pacing import MICROSECOND
from tests.support.fake_world import FakeWorld


def assert_conserved(world: FakeWorld) -> None:
    """Rows are neither lost nor doubled, and money is where it belongs."""
    meta = world.campaign
    for lane in meta.lanes.values():
        chunks = sorted((first, chunk.rows) for first, chunk in meta.chunks.items() if first in lane.claimed)
        assert all(first + rows == following for (first, rows), (following, _) in itertools.pairwise(chunks))
    assert meta.done_rows == sum(chunk.rows for chunk in meta.chunks.values() if not chunk.open)
    assert meta.reserved_usd == sum((c.reserved_usd for c in meta.chunks.values() if c.open), Decimal(0))
    assert world.overspent_usd == 0
    assert all(accepted <= 1 for accepted in world.accepted().values())


def assert_completed(world: FakeWorld) -> None:
    """The campaign has ended with each row accounted for."""
    assert_conserved(world)
    assert world.campaign.status is CampaignStatus.COMPLETED
    assert world.campaign.done_rows == world.campaign.rows == len(world.audience)
    assert world.campaign.reserved_usd == 0


def worst_second(instants: list[int]) -> int:
    """The most calls in any second, wherever it begins."""
    instants, most, first = sorted(instants), 0, 0
    for last, instant in enumerate(instants):
        while instant - instants[first] >= MICROSECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def at_call(number: int, action: Callable[[], None]) -> Callable[[str, str], None]:
    """A hook that acts once, right before the provider's n-th call (1-based)."""
    calls = 0

    def hook(_worker: str, operation: str) -> None:
        nonlocal calls
        calls += operation == "send"
        if operation == "send" and calls == number:
            action()

    return hook
