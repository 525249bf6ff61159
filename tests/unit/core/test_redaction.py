"""No phone number and no email address survives a log line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.redaction import mask_addresses, mask_destination, mask_email, mask_number
from tests.unit.core.test_addresses import emails

numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="+@"), max_size=30)

unmasked = emails.filter(lambda address: mask_email(address) != address)
"""Not those that look masked already, such as `*@example.com`."""


@given(numbers)
def test_only_the_first_and_the_last_four_digits_stay(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert masked == f"+{number[1]}{'*' * (len(number) - 6)}{number[-4:]}"
    assert re.search(r"\d{5}", masked) is None


@pytest.mark.parametrize(
    ("number", "masked"), [("12345", "*****"), ("+12345", "******"), ("", ""), ("123456", "1*3456")]
)
def test_short_and_unsigned_numbers(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@given(st.lists(st.tuples(texts, numbers), min_size=1, max_size=4), texts)
def test_numbers_in_free_text(pieces: list[tuple[str, str]], tail: str) -> None:
    text = "".join(before + number for before, number in pieces) + tail
    masked = mask_addresses(text)
    assert re.search(r"\d{5}", masked) is None
    assert len(masked) == len(text)
    for before, number in pieces:
        assert before in masked
        assert number not in masked
    assert mask_addresses(masked) == masked


@given(st.from_regex(r"\+[0-9]{16,40}", fullmatch=True))
def test_a_run_longer_than_any_number_is_masked_whole(run: str) -> None:
    assert re.search(r"\d{5}", mask_addresses(run)) is None


def test_other_digits_stay() -> None:
    text = "campaign spring-0000123 took 20261120 ms, 1+1=2, +123456"
    assert mask_addresses(text) == text


def test_numbers_inside_json_and_errors() -> None:
    assert mask_addresses('{"to":"+14255550156","x":"a+14255550157b"}') == '{"to":"+1******0156","x":"a+1******0157b"}'


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("someone@example.com", "s******@example.com"),
        ("a@example.com", "*@example.com"),
        ("ab@example.com", "a*@example.com"),
        ("o'brien@example.com", "o******@example.com"),
        ("'.0@example.com", "'.*@example.com"),
    ],
)
def test_the_first_letter_and_the_domain_stay(address: str, masked: str) -> None:
    assert mask_email(address) == mask_destination(address) == masked
    assert mask_addresses(f"to {address}, and '{address}'") == f"to {masked}, and '{masked}'"
    assert mask_email(masked) == masked


def test_a_local_part_of_apostrophes_alone_is_masked() -> None:
    assert mask_addresses("to '@example.com") == "to *@example.com"
    assert mask_email("''@example.com") == "**@example.com"


@given(st.lists(st.tuples(texts, unmasked), min_size=1, max_size=4), texts)
def test_email_addresses_in_free_text(pieces: list[tuple[str, str]], tail: str) -> None:
    text = " ".join(f"{before} <{address}>" for before, address in pieces) + tail
    masked = mask_addresses(text)
    for before, address in pieces:
        assert address not in masked
        assert before in masked
        assert mask_email(address) in masked
    assert mask_addresses(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "someone@ex\u00e4mple.com", "someone@my_host.example.com", "someone@localhost", "someone@[192.0.2.1]",
        '{"to":"someone@example.com"}', "mailto:someone@example.com?x", "['someone@example.com']",
        "{'a': 'someone@example.com'}", "Error(someone@example.com)", "x,someone@example.com;y", "\u00fcsomeone@a.b",
    ],
)  # fmt: skip
def test_nothing_that_reads_like_an_address_survives(text: str) -> None:
    masked = mask_addresses(text)
    assert "someone@" not in masked
    assert "omeone" not in masked
    assert mask_addresses(masked) == masked


@given(st.text(max_size=60), st.sampled_from(["+14255550156", "someone@example.com"]), st.text(max_size=60))
def test_masking_again_changes_nothing(before: str, address: str, after: str) -> None:
    masked = mask_addresses(f"{before} {address} {after}")
    assert address not in masked
    assert mask_addresses(masked) == masked


def test_a_long_text_without_an_address_comes_back_whole() -> None:
    text = "x" * 300_000
    assert mask_addresses(text) == text
