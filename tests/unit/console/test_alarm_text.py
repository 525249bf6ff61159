"""The alarm description contract reads back what it writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.alarm_text import AlarmText, Severity, format_description, parse_description

WORDS = st.text(alphabet=st.characters(categories=("L", "N"), max_codepoint=0x24F), min_size=1, max_size=12)


@given(st.lists(WORDS, max_size=8), st.sampled_from(Severity), WORDS)
def test_what_is_written_is_read_back(words: list[str], severity: Severity, name: str) -> None:
    text = AlarmText(" ".join(words), severity, f"docs/runbooks/{name}.md")
    assert parse_description(format_description(text)) == text


def test_the_form_is_the_one_agreed() -> None:
    text = AlarmText("Receipts wait in the dead-letter queue.", Severity.CRITICAL, "docs/runbooks/dlq.md")
    assert format_description(text) == (
        "Receipts wait in the dead-letter queue. severity: critical; runbook: docs/runbooks/dlq.md"
    )


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("", AlarmText("", Severity.CRITICAL, "")),
        ("Somebody else's alarm", AlarmText("Somebody else's alarm", Severity.CRITICAL, "")),
        ("Odd. severity: loud; runbook: x.md", AlarmText("Odd.", Severity.CRITICAL, "x.md")),
        ("No severity. Runbook: x.md", AlarmText("No severity.", Severity.CRITICAL, "x.md")),
        ("Two. Severity: warning; Runbook: https://a/b", AlarmText("Two.", Severity.WARNING, "https://a/b")),
    ],
)
def test_foreign_descriptions_are_too_loud_rather_than_too_quiet(description: str, expected: AlarmText) -> None:
    assert parse_description(description) == expected


def test_what_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="white space"):
        format_description(AlarmText("x", Severity.WARNING, "docs/run book.md"))
    with pytest.raises(ValueError, match="1024"):
        format_description(AlarmText("x" * 1100, Severity.WARNING, "a.md"))
