"""Messages per second, from counters that come late and in batches."""

from __future__ import annotations

import dataclasses

import pytest

from console.services.throughput import ThroughputMeter
from lambdas.core.campaign import CampaignStatus, CampaignSummary, ChannelCounts


def summary(campaign_id: str, sent: int, *, tps: float = 50.0, begun: float = 0.0) -> CampaignSummary:
    """A running campaign that has sent `sent` messages evenly at `tps` since the second `begun`."""
    first = int(begun * 1000)
    return CampaignSummary(
        id=campaign_id,
        status=CampaignStatus.RUNNING,
        version=1,
        created_ms=0,
        throughput_tps=tps,
        recipients=1000,
        excluded=0,
        suppressed=0,
        unsent=0,
        claimed_rows=sent,
        done_rows=sent,
        reserved_usd=0,
        spent_usd=0,
        cap_usd=1,
        stop_reason=None,
        channels={
            "sms": ChannelCounts(
                sent=sent,
                first_sent_ms=first if sent else None,
                last_sent_ms=first + round(1000 * (sent - 1) / tps) if sent else None,
            )
        },
    )


def test_throughput_comes_from_the_counters() -> None:
    meter = ThroughputMeter(ceiling=80)
    first = meter.observe(100.0, [summary("a", 10)])
    assert first.achieved is None
    assert first.target == 50
    assert meter.observe(102.0, [summary("a", 110)]).achieved == pytest.approx(50)
    both = meter.observe(103.0, [summary("a", 160), summary("b", 21, tps=20)])
    assert both.target == 70
    assert meter.observe(103.5, [summary("a", 160), summary("b", 21, tps=40)]).target == 80
    assert both.achieved == pytest.approx(50 + 20)
    assert both.by_channel == {"sms": pytest.approx(70)}
    assert [point.achieved for point in both.history] == [None, 50, pytest.approx(70)]


@pytest.mark.parametrize("lag", [0.0, 0.3, 0.9, 1.5])
def test_counters_that_lag_in_batches_do_not_look_like_overshoot(lag: float) -> None:
    """A campaign paced at 50/s, seen through counters that follow each second and late."""
    meter, rates = ThroughputMeter(), []
    for second in range(1, 15):
        counted = max(0, int(second - lag)) * 50
        rates.append(meter.observe(float(second), [summary("a", counted)]).achieved)
    assert rates[0] is None
    assert all(rate == pytest.approx(50, rel=0.02) for rate in rates[3:])
    assert all(rate is not None and rate <= 51 for rate in rates[1:])


def test_a_campaign_that_stands_still_comes_down_to_zero() -> None:
    meter = ThroughputMeter()
    rates = [meter.observe(float(second), [summary("a", min(second, 10) * 50)]).achieved for second in range(1, 20)]
    assert rates[9] == pytest.approx(50)
    falling = [rate for rate in rates[12:] if rate is not None]
    assert falling == sorted(falling, reverse=True)
    assert rates[-1] == 0


def test_counters_without_times_are_rated_by_our_clock() -> None:
    meter = ThroughputMeter()
    for second, sent in ((0.0, 100), (2.0, 200)):
        timeless = dataclasses.replace(summary("a", sent), channels={"sms": ChannelCounts(sent=sent)})
        last = meter.observe(second, [timeless])
    assert last.achieved == pytest.approx(50, rel=0.02)


def test_a_counter_that_falls_is_no_negative_rate() -> None:
    meter = ThroughputMeter()
    meter.observe(0, [summary("a", 100)])
    assert meter.observe(2, [summary("a", 90)]).achieved == 0
