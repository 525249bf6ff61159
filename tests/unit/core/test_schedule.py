"""When a campaign may start, and how that is said."""

from __future__ import annotations

import pytest

from lambdas.core.campaign_request import RequestError, parse_campaign_request
from lambdas.core.schedule import DAY_MS, wrong_start
from lambdas.core.send_options import SendOptions
from lambdas.core.send_window import SendWindow

NOW_MS = 1_780_000_000_000
BODY = {
    "throughput_tps": 5,
    "body": "hello",
    "eligible_users": [{"customer_id": "1", "selected_channel": "sms", "phone": "+14254147755"}],
}


def options(**given: object) -> SendOptions:
    return parse_campaign_request({**BODY, "options": given}).options


@pytest.mark.parametrize(
    ("text", "start_ms"),
    [
        ("2026-05-28T20:26:40Z", NOW_MS),
        ("2026-05-28T22:26:40+02:00", NOW_MS),
        ("2026-05-28t20:26:40.250z", NOW_MS + 250),
        ("2026-05-28 15:56:40-04:30", NOW_MS),
    ],
)
def test_a_start_is_an_instant(text: str, start_ms: int) -> None:
    assert options(send_at=text).start_ms == start_ms


@pytest.mark.parametrize(
    "text",
    ["2026-05-28T20:26:40", "2026-05-28", "tomorrow", "2026-02-30T09:00:00Z", "20260528T202640Z", "2026-W22-4T09:00Z",
     "0001-01-01T00:00:00+23:59x", 1_780_000_000, True, "2026-05-28T24:00:00Z", "2026-05-28T20:26:60Z"],
)  # fmt: skip
def test_a_start_without_its_offset_or_its_day_is_refused(text: object) -> None:
    with pytest.raises(RequestError, match=r"options\.send_at must be a time with its offset from UTC"):
        options(send_at=text)


@pytest.mark.parametrize(
    ("ahead_ms", "problem"),
    [
        (0, None),
        (-60_000, None),
        (-60_001, "has passed"),
        (15 * DAY_MS, None),
        (15 * DAY_MS + 1, "at most 15 days ahead, half of the 30 days"),
        (3_000 * DAY_MS, "at most 15 days ahead"),
    ],
)
def test_a_start_lies_ahead_and_not_too_far(ahead_ms: int, problem: str | None) -> None:
    wrong = wrong_start(NOW_MS + ahead_ms, NOW_MS, 30)
    assert (wrong is None) == (problem is None)
    assert problem is None or problem in str(wrong)


def test_what_a_campaign_says_about_its_life() -> None:
    given = options(send_window={"start": "09:00", "end": "20:00"}, pause_error_rate=0.05)
    assert (given.window, given.pause_error_rate) == (SendWindow(540, 1200), 0.05)
    assert options() == SendOptions()
    assert options(pause_error_rate=None).pause_error_rate == 1.0, "never"
    with pytest.raises(RequestError, match=r"options\.pause_error_rate must be a number from 0 to 1"):
        options(pause_error_rate=20)
    with pytest.raises(RequestError, match=r"options\.send_window\.start"):
        options(send_window={"start": "9", "end": "20:00"})


def test_a_recipient_may_say_where_it_is() -> None:
    user = {**BODY["eligible_users"][0], "timezone": "Europe/Berlin"}  # type: ignore[index]
    assert parse_campaign_request({**BODY, "eligible_users": [user]}).recipients[0].timezone == "Europe/Berlin"
    with pytest.raises(RequestError, match=r"eligible_users\[0\]\.timezone must be an IANA time zone"):
        parse_campaign_request({**BODY, "eligible_users": [{**user, "timezone": "CET+1"}]})
