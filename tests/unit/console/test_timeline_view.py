"""A message's timeline in words, whatever the API says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.view.glyphs import UNICODE
from console.view.opt_outs import opt_out_lines
from console.view.overdue import overdue_lines
from console.view.segments import text_of
from console.view.timeline import timeline_lines

CHAIN: dict[str, Any] = {
    "message_id": "m-1",
    "campaign_id": None,
    "customer_id": "1001",
    "status": "delivered",
    "cost_usd": 0.0138,
    "legs": [
        {
            "leg": 0,
            "message_id": "m-1",
            "channel": "whatsapp",
            "destination": "+1******0156",
            "status": "failed",
            "error_code": "131026",
            "asks_for": "fail_over",
            "cost_usd": 0.005,
            "cost_is_estimate": True,
            "flags": [],
            "events": [
                {"status": "sending", "at_ms": 1_700_000_000_000, "gap_ms": 0},
                {"status": "failed", "at_ms": 1_700_000_003_200, "gap_ms": 3_200},
            ],
        },
        {
            "leg": 1,
            "message_id": "m-1_1",
            "channel": "sms",
            "status": "queued",
            "decided": {
                "at_ms": 1_700_000_003_260,
                "explanation": "the next channel, because the one before had failed",
            },
            "explanation": "not sent: the recipient has opted out of this channel",
            "flags": ["late"],
            "events": [],
        },
    ],
    "next": {"step": "wait", "until_ms": 1_700_000_100_000, "explanation": "for a receipt, until the deadline"},
}


def test_the_whole_chain_is_told_in_words() -> None:
    text = text_of(timeline_lines(CHAIN, UNICODE))
    for words in (
        "delivered  m-1",
        "customer 1001",
        "cost in all $0.0138",
        "1 whatsapp  ▲ failed    +1******0156  $0.0050 estimated",
        "2023-11-14T22:13:23.200Z     +3,200 ms  1 whatsapp  ▲ failed    refused: 131026 (fail over)",
        "2023-11-14T22:13:23.260Z        +60 ms  2 sms       › fallback  the next channel",
        "131026 (fail over)",
        "because   the next channel, because the one before had failed",
        "why       not sent: the recipient has opted out",
        "flags     late",
        "it waits for a receipt, until the deadline, 2023-11-14T22:15:00.000Z",
    ):
        assert words in text
    assert "campaign" not in text


def test_a_message_without_a_row_says_why() -> None:
    text = text_of(
        timeline_lines({"message_id": "m", "status": "queued", "explanation": "it waits", "legs": []}, UNICODE)
    )
    assert text == "○ queued  m\n  why       it waits"


def test_the_ledger_is_told_by_channel_and_age() -> None:
    group = {
        "channel": "sms",
        "age": "1h-24h",
        "messages": 5_000,
        "is_lower_bound": True,
        "by_campaign": {"spring": 4_990, "single messages": 10},
        "oldest": [{"message_id": f"spring-{number}", "since_ms": 0} for number in range(20)],
    }
    text = text_of(overdue_lines({"groups": [group]}, 7_200.0))
    assert text.splitlines()[0] == "sms         1h-24h         5,000 or more"
    assert "single messages" in text
    assert text.count("oldest") == 3
    assert "spring-0  2h" in text
    assert text_of(overdue_lines({"groups": []}, 0.0)) == "no receipt is overdue"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["legs", "events", "status", "at_ms", "flags", "next", "groups", "oldest", "by_campaign"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*CHAIN, "sources", "opted_out", "channel", "groups"]), JSON, max_size=6))
def test_no_answer_is_a_traceback_or_drives_the_terminal(document: dict[str, Any]) -> None:
    for lines in (
        timeline_lines(document, UNICODE),
        opt_out_lines(document, "+1******0191"),
        overdue_lines(document, 0.0),
    ):
        assert all(row.isprintable() for row in text_of(lines).splitlines())
