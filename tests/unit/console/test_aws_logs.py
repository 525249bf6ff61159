"""Log lines over canned answers of AWS: whose they are, and the phrase that they are asked for by."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.sources.deployments import functions_of
from console.sources.fake_outputs import fake_outputs
from tests.support.canned_telemetry import NOW, telemetry


def test_log_groups_are_those_of_the_functions() -> None:
    console, _ = telemetry()
    groups = console.log_groups()
    assert "/ai-cpaas-demo/local/delivery-processor" in groups
    assert len(groups) == len(functions_of(fake_outputs())) > 5


def events(*messages: str, **more: Any) -> dict[str, Any]:
    return {
        "events": [
            {"eventId": f"e{number}", "timestamp": int(NOW * 1000) + number, "logStreamName": "s", "message": message}
            for number, message in enumerate(messages)
        ],
        **more,
    }


def test_a_page_of_log_lines_is_asked_for_by_a_quoted_phrase_and_holds_the_whole_text() -> None:
    console, clients = telemetry(filter_log_events=[events('say "hallo" -you', "say hallo you", nextToken="next")])
    page = console.logs("/g", NOW, NOW + 60, cursor="here", text='"hallo" -you')
    assert [line.message for line in page.lines] == ['say "hallo" -you']
    assert page.cursor == "next"
    assert clients.asked == [
        (
            "filter_log_events",
            {
                "logGroupName": "/g",
                "startTime": int(NOW * 1000),
                "endTime": int((NOW + 60) * 1000),
                "filterPattern": '"hallo"',
                "nextToken": "here",
            },
        )
    ]


def test_without_a_text_no_pattern_is_sent_and_the_last_page_has_no_cursor() -> None:
    console, clients = telemetry(filter_log_events=[events("b", nextToken="")])
    assert console.logs("/g", 0, 1).cursor is None
    assert "filterPattern" not in clients.asked[0][1]


@given(st.text(max_size=40))
def test_a_pattern_is_one_phrase_that_every_wanted_line_holds(text: str) -> None:
    line = f"before {text} after"
    console, clients = telemetry(filter_log_events=[events(line)])
    page = console.logs("/g", 0, 1, text=text)
    assert len(page.lines) == 1
    pattern = clients.asked[0][1].get("filterPattern", '""')
    assert pattern.startswith('"')
    assert pattern.endswith('"')
    assert '"' not in pattern[1:-1]
    assert pattern[1:-1] in line
