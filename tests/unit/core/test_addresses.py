"""Destinations in the one form in which they are compared and stored; anything else is none, and never an error."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.core.addresses import MAX_EMAIL, Destination, NoDestination, destination_of, known_as, normalise_email
from lambdas.core.channels import Channel
from lambdas.core.phone_numbers import normalise_number

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
    known = known_as(Channel.SMS, text)
    assert known is None or known_as(Channel.SMS, known) == known
    if isinstance(found, NoDestination):
        assert text not in found.flaw or len(text) < 3
        return
    assert found.address == known
    assert found.address[1:].isdecimal()
    assert normalise_number(found.address) == found


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_both_channels_of_a_phone_take_the_same_numbers(channel: Channel) -> None:
    assert destination_of(channel, "+1 (425) 414-7755") == Destination("+14254147755", "US")
    assert isinstance(destination_of(channel, "a@example.com"), NoDestination)
    assert isinstance(destination_of(Channel.EMAIL, "+14254147755"), NoDestination)


@pytest.mark.parametrize(
    ("number", "flaw"),
    [
        ("+10000000000", "+1 has no such number"),
        ("+11111111111", "+1 has no such number"),
        ("+33000000000", "+33 has no such number"),
        ("+447700900123", "+44 has no such number"),
        ("+1425555010", "+1 has no such number"),
        ("+142555501001", "+1 has no such number"),
        ("+1 425 UNKNOWN", "it has letters"),
        ("+1 425 555 0100 ext 5", "it has letters"),
        ("tel:+14255550100", "it has letters"),
        ("+14255550100;5", "it has an extension"),
        ("+14255550100~7", "it has an extension"),
        ("4255550100", "it is no number in international form (+, country code, number)"),
        ("", "it is no number in international form (+, country code, number)"),
    ],
)
def test_numbers_that_nobody_has_are_refused_in_words(number: str, flaw: str) -> None:
    for channel in (Channel.SMS, Channel.WHATSAPP):
        assert destination_of(channel, number) == NoDestination(flaw)


@pytest.mark.parametrize(
    ("written", "number", "country"),
    [
        ("+44 (0)20 7946 0018", "+442079460018", "GB"),
        ("+1.425.555.0100", "+14255550100", "US"),
        ("\u202a+1 425 555 0100\u202c", "+14255550100", "US"),
        ("＋１４２５５５５０１００", "+14255550100", "US"),
        ("+1 204 234 5678", "+12042345678", "CA"),
        ("+800 1234 5678", "+80012345678", "001"),
        ("+5215512345678", "+5215512345678", "MX"),
        ("+551187654321", "+551187654321", "BR"),
    ],
)
def test_numbers_in_the_forms_that_people_and_whatsapp_write(written: str, number: str, country: str) -> None:
    assert normalise_number(written) == Destination(number, country)


@given(st.integers(0, 10**10 - 1))
def test_digits_alone_make_no_number(digits: int) -> None:
    number = f"+1{digits:010}"
    found = normalise_number(number)
    expected = phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    assert isinstance(found, Destination) is expected


@pytest.mark.parametrize("number", ["+447700900123", "+10000000000", "+5215512345678"])
def test_a_number_that_we_do_not_know_can_still_be_on_record(number: str) -> None:
    assert known_as(Channel.SMS, number) == number
    assert known_as(Channel.SMS, "12") is None
    assert known_as(Channel.EMAIL, "A@Example.com") == "a@example.com"
