"""Which zone's window a message waits for, and the lanes that this makes of a campaign."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

import pytest

from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import Content
from lambdas.core.lanes import Lane, lane_attributes, lanes_of, sending_rows
from lambdas.core.pacing import MICROSECOND
from lambdas.core.plan_row import Exclusion
from lambdas.core.send_window import SendWindow
from lambdas.core.zones import LaneZones, zones_of_number
from tests.support.plans import Plan, make_plan
from tests.support.window_oracle import at_us, utc

SINCE_MS = int(utc(2027, 1, 15).timestamp()) * 1_000
WINDOW = SendWindow(9 * 60, 20 * 60)
IN_BERLIN = SendWindow(9 * 60, 20 * 60, timezone="Europe/Berlin")
SEATTLE, NEW_YORK, TORONTO, BERLIN = "+14254147755", "+12125550100", "+14165550100", "+4930123456"


def person(row: int, address: str, timezone: str | None = None, channel: Channel = Channel.SMS) -> Recipient:
    return Recipient(row, f"c-{row}", channel, address, Content("hello", "subject"), {}, timezone)


def plan(window: SendWindow | None, *people: Recipient) -> Plan:
    def nobody(_channel: Channel, _addresses: Collection[str]) -> Collection[str]:
        return ()

    return make_plan(people, channels=frozenset(Channel), opted_out=nobody, zones=LaneZones(window, SINCE_MS))


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (SEATTLE, ("America/Los_Angeles",)),
        (BERLIN, ("Europe/Berlin",)),
        ("+390612345678", ("Europe/Rome",)),
        ("+882123456789", ()),
    ],
)
def test_a_number_tells_its_zone(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(number) == zones


def test_a_recipient_s_own_zone_goes_before_the_number_s_and_the_window_s() -> None:
    zones = LaneZones(IN_BERLIN, SINCE_MS)
    assert zones.of(Channel.SMS, SEATTLE, "Asia/Tokyo") == "Asia/Tokyo"
    assert zones.of(Channel.SMS, SEATTLE, None) == "America/Los_Angeles"
    assert zones.of(Channel.EMAIL, "a@example.com", None) == "Europe/Berlin"
    assert zones.of(Channel.SMS, "+882123456789", None) == "Europe/Berlin"
    assert LaneZones(WINDOW, SINCE_MS).of(Channel.EMAIL, "a@example.com", None) is None
    assert LaneZones(None, SINCE_MS).of(Channel.EMAIL, "a@example.com", None) == ""


def test_zones_whose_clocks_agree_share_a_lane() -> None:
    zones = LaneZones(WINDOW, SINCE_MS)
    assert zones.of(Channel.SMS, TORONTO, None) == "America/Toronto"
    assert zones.of(Channel.SMS, NEW_YORK, None) == "America/Toronto"
    assert zones.of(Channel.SMS, "", "Europe/Rome") == zones.of(Channel.SMS, "", "Europe/Berlin") == "Europe/Rome"


def test_who_may_be_in_several_zones_waits_for_all() -> None:
    lane = LaneZones(WINDOW, SINCE_MS).of(Channel.SMS, "+61412345678", None)
    assert lane is not None
    assert len(lane.split(",")) > 1
    opening = WINDOW.next_opening(lane, SINCE_MS * 1_000)
    assert opening is not None
    for zone in ("Australia/Perth", "Australia/Sydney"):
        assert WINDOW.closes_us(zone, opening.start_us) >= opening.end_us
    morning = SendWindow(9 * 60, 10 * 60)
    assert LaneZones(morning, SINCE_MS).of(Channel.SMS, "+61412345678", None) is None, "never open in all of them"


def test_rows_lie_lane_by_lane() -> None:
    planned = plan(
        WINDOW, person(0, SEATTLE), person(1, NEW_YORK), person(2, "a@example.com", "Asia/Tokyo", Channel.EMAIL),
        person(3, "+12065550100"), person(4, "b@example.com", None, Channel.EMAIL), person(5, "+13105550100"),
    )  # fmt: skip
    assert [(row.row, row.customer_id) for row in planned.rows] == [
        (0, "c-0"), (1, "c-3"), (2, "c-5"), (3, "c-1"), (4, "c-2"),
    ]  # fmt: skip
    assert [(row.row, row.reason) for row in planned.excluded] == [(4, Exclusion.UNKNOWN_TIMEZONE)]
    assert [(lane.name, lane.first_row, lane.end_row, lane.zone) for lane in planned.totals.lanes] == [
        ("sms_0", 0, 3, "America/Los_Angeles"), ("sms_1", 3, 4, "America/New_York"), ("email_0", 4, 5, "Asia/Tokyo"),
    ]  # fmt: skip
    assert lanes_of(lane_attributes(planned.totals.lanes)) == planned.totals.lanes


def test_a_lane_whose_every_row_is_left_out_is_none() -> None:
    planned = plan(WINDOW, replace(person(0, SEATTLE), content=Content("{{ name }}")), person(1, NEW_YORK))
    assert [(lane.name, lane.rows) for lane in planned.totals.lanes] == [("sms_1", 1)]


def test_without_a_window_a_channel_is_one_lane_whatever_its_zones() -> None:
    lanes = plan(None, person(0, SEATTLE, "Asia/Tokyo"), person(1, NEW_YORK)).totals.lanes
    assert [(lane.name, lane.zone) for lane in lanes] == [("sms", "")]
    assert "zone" not in lane_attributes(lanes)["lanes"]["sms"]


def test_a_channel_weighs_what_is_open_or_about_to_be() -> None:
    lanes = (
        Lane("sms", 0, 10, Decimal(1), zone="Europe/Berlin", number=0),
        Lane("sms", 10, 40, Decimal(1), 10, zone="Asia/Tokyo", number=1),
    )
    tokyo_opens = at_us(utc(2027, 2, 1))
    assert sending_rows(lanes, WINDOW, tokyo_opens - 6 * MICROSECOND) == 0
    assert sending_rows(lanes, WINDOW, tokyo_opens - 5 * MICROSECOND) == 30
    assert sending_rows(lanes, WINDOW, at_us(utc(2027, 2, 1, 9))) == 40
    assert sending_rows(lanes, WINDOW, at_us(utc(2027, 2, 1, 12))) == 10
    assert sending_rows(lanes, None, tokyo_opens - 6 * MICROSECOND) == 40
