"""Which channels of a campaign the sweeper puts tokens for, against the emulator's campaigns table."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.channels import Channel
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.lanes import Lane, booked, cursor, lane_attributes
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind
from lambdas.core.ports import Chunk, ChunkResult, Claim
from lambdas.core.work import WorkToken
from lambdas.sweeper.revival import REVIVE_EVERY_MS, STALLED_US, Revival
from tests.cloud.campaign_client import StackClient

NOW_US = 1_900_000_000 * MICROSECOND
ROWS = 10
CHANNELS = (Channel.SMS, Channel.EMAIL)
SENT = ChunkResult(sent=ROWS, refused=0, in_doubt=0, suppressed=0, unsent=0, spent_usd=Decimal(0))


class Tokens:
    """A work queue that keeps what is put."""

    def __init__(self) -> None:
        self.put: list[WorkToken] = []

    def send_all(self, bodies: list[str], *, delay_s: int = 0) -> None:
        self.put += [WorkToken.from_json(body) for body in bodies]


@pytest.fixture
def campaign(stack: StackClient, unique: str) -> str:
    """A running campaign of ten rows a channel, of which none is claimed and whose time was booked long ago."""
    item: dict[str, Any] = {
        "pk": keys.campaign(unique),
        "sk": keys.META,
        "listing": "test",
        "created_at": NOW_US // 1_000,
        "status": CampaignStatus.RUNNING.value,
        "version": 1,
        "tps": 10,
        "rows": 2 * ROWS,
        "budget_left": Decimal(1),
        "plan": unique,
        **dict.fromkeys(("claimed_rows", "done_rows", "reserved", "spent", "suppressed", "unsent"), 0),
        **lane_attributes((Lane("sms", 0, ROWS, Decimal(0)), Lane("email", ROWS, 2 * ROWS, Decimal(0), ROWS))),
        **{booked(channel): NOW_US for channel in CHANNELS},
    }
    assert CampaignTable(stack.campaigns).create(item) is None
    return unique


@pytest.fixture
def revived(stack: StackClient, campaign: str) -> Callable[[int], list[str]]:
    """The channels that get a token from a sweep at a time."""

    def sweep(at_us: int) -> list[str]:
        work = {channel: Tokens() for channel in CHANNELS}
        log = Log(FunctionEnvironment(environment="local", stack="local", project="test"))
        summary = CampaignTable(stack.campaigns).summary(campaign)
        meta = stack.campaigns.get(meta_key(campaign))
        assert summary is not None
        assert meta is not None
        queues = cast("dict[Channel, Queue]", work)
        revival = Revival(stack.campaigns, queues, cast(Queue, Tokens()), log, {}, at_us // 1_000)
        revival.look_after(meta, summary)
        tokens = [token for queue in work.values() for token in queue.put]
        assert tokens == [WorkToken(campaign, recover=True)] * len(tokens)
        return [channel.value for channel, queue in work.items() if queue.put]

    return sweep


def edit(stack: StackClient, campaign: str, **attributes: Any) -> None:
    sets = ", ".join(f"#{name} = :{name}" for name in attributes)
    stack.campaigns.update(meta_key(campaign), f"SET {sets}", attributes)


def claimed(stack: StackClient, campaign: str, *, lease_until_us: int) -> tuple[CampaignLane, Chunk]:
    """All rows of SMS in one chunk."""
    lane = CampaignLane(stack.campaigns, Channel.SMS, claims=stack.money)
    booking = Booking(BookingKind.RESTART, NOW_US + 1, MICROSECOND, ROWS)
    claim = lane.claim(campaign, booking, Lane("sms", 0, ROWS, Decimal(0)), ROWS, Decimal(0))
    assert isinstance(claim, Claim)
    chunk = lane.open_chunk(claim, "worker", lease_until_us)
    assert chunk is not None
    return lane, chunk


LATER_US = NOW_US + STALLED_US + 2 * MICROSECOND


def test_a_dead_channel_gets_a_token_while_another_sends(
    stack: StackClient, campaign: str, revived: Callable[[int], list[str]]
) -> None:
    edit(stack, campaign, **{booked("email"): LATER_US - MICROSECOND})
    assert revived(LATER_US) == ["sms"]
    assert revived(LATER_US + STALLED_US) == ["email"], "the token of the other is on its way"
    assert revived(LATER_US + REVIVE_EVERY_MS * 1_000) == []
    assert revived(LATER_US + REVIVE_EVERY_MS * 1_000 + STALLED_US + MICROSECOND) == ["sms"]


def test_nobody_is_put_on_a_channel_that_has_booked_time_or_was_just_planned(
    stack: StackClient, campaign: str, revived: Callable[[int], list[str]]
) -> None:
    assert revived(NOW_US + STALLED_US) == []
    never = ", ".join(f"#{booked(channel)}" for channel in CHANNELS)
    stack.campaigns.update(meta_key(campaign), f"SET #tps = :tps REMOVE {never}", {"tps": 10})
    assert revived(NOW_US + STALLED_US) == []
    assert revived(LATER_US) == ["sms", "email"], "its first token was lost"


def test_a_channel_whose_rows_are_all_claimed_is_revived_for_the_dead_alone(
    stack: StackClient, campaign: str, revived: Callable[[int], list[str]]
) -> None:
    edit(stack, campaign, **{booked("email"): LATER_US + 3_600 * MICROSECOND})
    lane, chunk = claimed(stack, campaign, lease_until_us=LATER_US + MICROSECOND)
    assert revived(LATER_US) == [], "somebody is at work on them"
    assert revived(LATER_US + 2 * MICROSECOND) == ["sms"]
    lane.close_chunk(chunk, SENT)
    assert revived(LATER_US + 2 * REVIVE_EVERY_MS * 1_000) == [], "a channel that is done needs nobody"


def test_a_campaign_with_nothing_left_but_its_completion_gets_a_token(
    stack: StackClient, campaign: str, revived: Callable[[int], list[str]]
) -> None:
    lane, chunk = claimed(stack, campaign, lease_until_us=LATER_US)
    lane.close_chunk(chunk, SENT)
    edit(stack, campaign, **{cursor("email"): 2 * ROWS, "done_rows": 2 * ROWS})
    assert revived(LATER_US) == ["sms", "email"]
