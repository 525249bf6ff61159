"""What waits for its window, when the end is due, how fast it went without the waits, and the share that failed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lambdas.core.campaign import CampaignSummary
from lambdas.core.deferral import Deferral, seconds_to_send
from lambdas.core.error_tally import ErrorTally
from lambdas.core.error_watch import MOST_WATCHES, ErrorWatches
from lambdas.core.lanes import Lane, lane_attributes
from lambdas.core.rest import rest_until
from lambdas.core.send_window import SendWindow
from tests.support.window_oracle import at_us, utc

WINDOW = SendWindow(9 * 60, 20 * 60)
LANES = (
    Lane("sms", 0, 100, Decimal(0), 0, zone="Europe/Berlin", number=0),
    Lane("sms", 100, 300, Decimal(0), 100, zone="Asia/Tokyo", number=1),
)
NOON, EVENING, TOKYO_MORNING = utc(2027, 2, 1, 12), utc(2027, 2, 1, 22), utc(2027, 2, 2)
HOUR_S = 3_600.0


def ms(instant: Any) -> int:
    return at_us(instant) // 1_000


def campaign_item(**meta: Any) -> dict[str, Any]:
    return {
        "pk": "CAMPAIGN#spring", "sk": "META", "status": "running", "version": 1, "created_at": 0, "tps": Decimal(1),
        "rows": 300, "window": WINDOW.to_json(), **lane_attributes(LANES), **meta,
    }  # fmt: skip


def campaign(counts: dict[str, Any] | None = None, **meta: Any) -> CampaignSummary:
    return CampaignSummary.from_items(campaign_item(**meta), [{"sk": "COUNT#sms", **(counts or {})}])


def test_what_waits_and_for_when() -> None:
    assert campaign().deferral(ms(NOON)) == Deferral(200, ms(TOKYO_MORNING))
    assert campaign().deferral(ms(EVENING)) == Deferral(300, ms(TOKYO_MORNING))
    given_back = campaign(claimed_rows=40, done_rows=30, next_sms_0=40)
    assert given_back.deferral(ms(EVENING)) == Deferral(270, ms(TOKYO_MORNING))
    assert campaign(status="paused").deferral(ms(NOON)) == Deferral()
    assert campaign(window=None).deferral(ms(NOON)) == Deferral()
    assert campaign(next_sms_1=300, claimed_rows=200, done_rows=200).deferral(ms(NOON)) == Deferral()
    shown = campaign().to_json(ms(NOON))
    assert (shown["deferred"], shown["next_opening_at_ms"], shown["send_window"]) == (
        200,
        ms(TOKYO_MORNING),
        {"start": "09:00", "end": "20:00"},
    )


def test_the_end_is_reckoned_with_the_windows() -> None:
    assert campaign().eta_seconds(ms(NOON)) == 12 * HOUR_S + 200
    assert campaign().eta_seconds() == 300, "without a time, without windows"
    assert campaign({"sent": 100}, next_sms_0=100).eta_seconds(ms(NOON)) == 12 * HOUR_S + 200
    assert campaign({"sent": 290}, next_sms_0=100, next_sms_1=300).eta_seconds(ms(NOON)) == 10
    late = utc(2027, 2, 1, 18, 59)
    assert campaign().eta_seconds(ms(late)) == 13 * HOUR_S + 60 + 40, "sixty rows today, the others tomorrow"
    slow = CampaignSummary.from_items({**campaign_item(), "tps": Decimal(100)}, [{"sk": "COUNT#sms"}], {"sms": 0.5})
    assert slow.eta_seconds(ms(NOON)) == 12 * HOUR_S + 400, "the identity sends one in two seconds"
    assert seconds_to_send(LANES, WINDOW, 300, tps=0.0001, now_us=at_us(NOON)) is None, "more than a week"


def test_rests_are_left_out_of_the_achieved_rate() -> None:
    start = 1_000_000
    sent = {"sent": 101, "first_sent_ms": start, "last_sent_ms": start + 10_000}
    meta: dict[str, Any] = {**lane_attributes(LANES), "booked_sms": (start + 10_000) * 1_000}
    assert campaign(sent).achieved_tps == 10
    resumed = rest_until(meta, start + 3_610_000)
    assert resumed == {"rested": 3_600_000, "last_rest": 3_600_000, "rested_until": start + 3_610_000}
    assert campaign(sent, **resumed).achieved_tps == 10, "nothing was sent since"
    on = {**sent, "sent": 201, "last_sent_ms": start + 3_620_000}
    assert campaign(on, **resumed).achieved_tps == 10
    again = rest_until({**meta, **resumed, "booked_sms": (start + 3_620_000) * 1_000}, start + 7_220_000)
    assert (again["rested"], again["last_rest"]) == (7_200_000, 3_600_000)
    assert campaign(on, **again).achieved_tps == 10


@pytest.mark.parametrize("until_ms", [0, 10, 20])
def test_no_rest_before_the_first_message_or_while_time_is_booked(until_ms: int) -> None:
    assert rest_until(lane_attributes(LANES), until_ms) == {}
    assert rest_until({**lane_attributes(LANES), "booked_sms": 20_000}, until_ms) == {}


def test_a_pause_in_a_closed_window_is_one_rest() -> None:
    meta = {**lane_attributes(LANES), "booked_sms": 1_000_000}
    meta |= rest_until(meta, 5_000)
    meta |= rest_until(meta, 9_000)
    assert (meta["rested"], meta["rested_until"]) == (8_000, 9_000)


@pytest.mark.parametrize(
    ("before", "now", "exceeds"),
    [
        ({}, {"sent": 49, "failed": 49}, False),
        ({}, {"sent": 50, "failed": 10}, False),
        ({}, {"sent": 50, "failed": 11}, True),
        ({}, {"sent": 30, "refused": 15, "failed": 15, "in_doubt": 5}, True),
        ({"sent": 900_000, "delivered": 899_000}, {"sent": 900_050, "delivered": 899_000, "failed": 12}, True),
        ({"sent": 1_000}, {"sent": 1_000, "delivered": 900, "failed": 100}, False),
        ({"sent": 1_000}, {"sent": 1_000, "delivered": 100, "failed": 100}, True),
        ({"sent": 100, "failed": 50}, {"sent": 160, "failed": 50}, False),
        # A channel that fails a third, and the next one that reaches nearly all of these.
        ({}, {"sent": 1_300, "delivered": 990, "failed": 310, "passed_on": 300}, False),
        ({}, {"sent": 1_300, "delivered": 700, "failed": 300, "passed_on": 300}, False),
        ({}, {"sent": 1_300, "delivered": 700, "failed": 550, "passed_on": 300}, True),
        ({}, {"sent": 1_000, "refused": 300, "delivered": 990, "failed": 310, "unwanted": 300}, False),
        ({}, {"sent": 45, "refused": 40, "failed": 40, "passed_on": 40}, False),
    ],
)
def test_the_share_that_failed_since_the_last_look(before: dict[str, int], now: dict[str, int], exceeds: bool) -> None:
    noted = ErrorTally.from_item(ErrorTally.of(campaign(before)).to_item())
    assert ErrorTally.of(campaign(now)).since(noted).exceeds(0.2) == exceeds


def test_the_share_is_of_messages_and_not_of_their_legs() -> None:
    tally = ErrorTally.of(campaign({"sent": 1_300, "delivered": 990, "failed": 310, "passed_on": 300}))
    assert tally == ErrorTally(answered=1_000, final=1_000, errors=10)


def test_a_container_remembers_the_campaigns_it_sent_for_last() -> None:
    watches = ErrorWatches()
    first = watches.of("c-0")
    for number in range(1, MOST_WATCHES):
        watches.of(f"c-{number}")
    assert watches.of("c-0") is first
    watches.of("one more")
    assert watches.of("c-0") is first, "the one that was not asked for the longest has gone"
