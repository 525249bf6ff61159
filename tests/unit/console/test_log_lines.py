"""What functions and the platform log, as lines for people."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.sources.log_lines import LEVELS, log_line
from console.telemetry import LogLine
from lambdas.core.metrics import FAILED_DELIVERIES, Datum, emf_lines


def line(message: str) -> LogLine:
    return log_line("/g", {"eventId": "e", "timestamp": 1_500, "logStreamName": "s", "message": message})


def test_our_lines_are_their_event_and_its_fields() -> None:
    document = {"level": "WARNING", "event": "parked", "function": "f", "stack": "dev", "why": "x y", "n": 3, "of": [1]}
    found = line(json.dumps(document) + "\n")
    assert found == LogLine("e", 1.5, "/g", "s", "WARNING", "parked why=x y n=3 of=[1]", json.dumps(document))


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("[ERROR] KeyError: 'x'\nTraceback (most recent call last):", "ERROR"),
        ("[WARN] 2026-01-01 slow", "WARNING"),
        ("2026-01-01T00:00:00Z 1-2-3 Task timed out after 30.03 seconds", "ERROR"),
        ("Traceback (most recent call last): ...", "ERROR"),
        ("REPORT RequestId: 1 Duration: 3 ms Billed Duration: 4 ms Status: timeout", "ERROR"),
        ("START RequestId: 1-2-3 Version: $LATEST", ""),
        ('{"level": "error", "message": "of a library"}', "ERROR"),
        ('{"level": "loud", "event": "x"}', ""),
        ("{no json", ""),
        ("[1, 2]", ""),
    ],
)
def test_the_level_is_what_the_line_says(message: str, level: str) -> None:
    assert line(message).level == level


def test_metrics_are_called_metrics() -> None:
    (emf,) = emf_lines([Datum(FAILED_DELIVERIES, 3)], stack="dev", at_ms=1)
    found = line(emf)
    assert found.message.startswith("metrics ")
    assert "FailedDeliveries=" in found.message
    assert "_aws" not in found.message


@given(st.text(max_size=200) | st.dictionaries(st.text(max_size=8), st.text(max_size=40)).map(json.dumps))
@example("\u00a0")
def test_every_line_is_one_safe_line_without_numbers_of_people(text: str) -> None:
    found = line(f"{text} +14254147755")
    assert "+14254147755" not in found.message + found.raw
    assert all(each.isprintable() or each in "\t\n" or unicodedata.category(each) == "Zs" for each in found.raw)
    assert found.message.isprintable()
    assert found.level in {*LEVELS.values(), ""}


@pytest.mark.parametrize("depth", [100_000])
def test_nesting_without_end_is_just_text(depth: int) -> None:
    assert line('{"a":' * depth).message.startswith('{"a":')


def test_a_number_behind_an_escape_is_masked_too() -> None:
    found = line('{"level": "INFO", "event": "x", "to": "\\u002b14254147755 \\u001b[31m"}')
    assert json.loads(found.raw) == {"level": "INFO", "event": "x", "to": "+1******7755 "}
    assert "\x1b" not in found.raw
