"""Filters: the grammar of `/`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError
from console.view.filters import parse_filter

CELLS = {"state": "alarm", "name": "receipts dead letters", "arn": "arn:aws:sqs:x"}


def holds(text: str) -> bool:
    return parse_filter(text, CELLS).holds(lambda: "\n".join(CELLS.values()), CELLS.__getitem__)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("ALARM", True),
        ("ok", False),
        ("!ok", True),
        ("!alarm", False),
        ("state:alarm", True),
        ("STATE:ala", True),
        ("name:alarm", False),
        ("!name:alarm", True),
        ("alarm letters", True),
        ("alarm ok", False),
        ('"dead letters"', True),
        ('"letters dead"', False),
        ("letters dead", True),
        ("~^receipts.*letters$", False),
        ("name:~^receipts.*letters$", True),
        ("!name:~^receipts", False),
        ("arn:aws:sqs", True),
        ("other:alarm", False),
        ("aws:sqs", True),
        ("!", True),
        ("state:", True),
        ('"dead le', True),
    ],
)
def test_terms(text: str, passes: bool) -> None:
    assert holds(text) is passes


def test_what_is_no_regular_expression_is_told() -> None:
    with pytest.raises(ConsoleError, match="no regular expression"):
        parse_filter("~(", CELLS)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_a_filter_or_a_sentence(text: str) -> None:
    try:
        holds(text)
    except ConsoleError as error:
        if not error.problem.remedy:
            raise AssertionError(f"{error} has no remedy") from error


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters='"!~:'), min_size=1, max_size=20))
def test_a_word_and_its_negation_differ(word: str) -> None:
    assert holds(word) is not holds(f"!{word}")
