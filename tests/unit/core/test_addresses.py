"""Destinations in the one form in which they are compared and stored; anything else is none, and never an error."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.core.addresses import MAX_EMAIL, Destination, destination_of, normalise_email, normalise_number
from lambdas.core.channels import Channel

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
atoms = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}", fullmatch=True)
emails = st.builds(
    lambda local, domain: f"{'.'.join(local)}@{'.'.join(domain)}.example",
    st.lists(atoms, min_size=1, max_size=3),
    st.lists(labels, min_size=1, max_size=3),
)
almost = st.from_regex(r"""[a-z"\\().,:;<>@\[\] ']{0,12}@[a-z.\[\]()@-]{0,12}""", fullmatch=True)


@given(emails)
def test_an_address_has_one_form(address: str) -> None:
    assert normalise_email(address) == address.lower()
    assert normalise_email(address.upper()) == address.lower()
    assert destination_of(Channel.EMAIL, address) == Destination(address.lower(), "")


@example("0@[")
@example("a@(")
@example("@")
@given(st.text(max_size=40) | almost)
def test_anything_is_an_address_or_none(text: str) -> None:
    found = normalise_email(text)
    if found is not None:
        assert found == text.lower()
        assert normalise_email(found) == found
        assert found.isascii()
        assert len(found) <= MAX_EMAIL
        assert not set(found) & set(' \t\r\n"(),:;<>[]\\')


@pytest.mark.parametrize(
    "address",
    [
        "o'brien@example.com",
        "a.b+c@example.com",
        "a@xn--bcher-kva.example",
        "x" * 64 + "@example.com",
        "success+1@simulator.amazonses.com",
        "a@" + "b." * 124 + "cd",
    ],
)
def test_unusual_addresses_that_are_some(address: str) -> None:
    assert normalise_email(address) == address


@pytest.mark.parametrize(
    "address",
    [
        '"a b"@example.com', '"a"@example.com', "a@[127.0.0.1]", "a@example.c", "a(x)@example.com", "a@example.com.",
        ".a@example.com", "a.@example.com", "a..b@example.com", "a@b@example.com", "a@example.com\n", "a@exam_ple.com",
        "a\x00@example.com", "a\x7f@example.com", "a@" + "b." * 126 + "cd", "a@" + "b" * 64 + ".com", "a@example.123",
    ],
)  # fmt: skip
def test_addresses_that_ses_would_refuse(address: str) -> None:
    assert normalise_email(address) is None


@given(st.text(max_size=40) | st.from_regex(r"\+[0-9 ()ext;=.-]{1,25}", fullmatch=True))
def test_anything_is_a_number_or_none(text: str) -> None:
    found = normalise_number(text)
    if found is not None:
        assert found.address.startswith("+")
        assert found.address[1:].isdecimal()
        assert normalise_number(found.address) == found


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_both_channels_of_a_phone_take_the_same_numbers(channel: Channel) -> None:
    assert destination_of(channel, "+1 (425) 414-7755") == Destination("+14254147755", "US")
    assert destination_of(channel, "a@example.com") is None
    assert destination_of(Channel.EMAIL, "+14254147755") is None
