"""Where a message goes: E.164 numbers and email addresses, in the one form in which they are compared and stored."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

from lambdas.core.channels import Channel
from lambdas.core.number_forms import written_forms
from lambdas.core.simulator import is_simulator

MAX_EMAIL = 254
"""Longest address that fits into SMTP's path (RFC 5321, section 4.5.3.1.3)."""
_LOCAL = re.compile(r"(?=.{1,64}$)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""A dot-atom (RFC 5322, section 3.2.3) of up to 64 characters (RFC 5321, section 4.5.3.1.1); quoted local parts, which
hardly anybody has, are refused."""
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


@dataclass(frozen=True, slots=True)
class Destination:
    """`address` as the provider takes it; `country` (ISO 3166 alpha-2) of a number, empty for email."""

    address: str
    country: str


@dataclass(frozen=True, slots=True)
class NoDestination:
    """An address that nothing can be sent to; `flaw` says why in a few words, which do not repeat it."""

    flaw: str


def destination_of(channel: Channel, address: str) -> Destination | NoDestination:
    """The destination that an address names on a channel, or why it names none."""
    if channel is Channel.EMAIL:
        found = normalise_email(address)
        return NoDestination("not an email address that SES takes") if found is None else Destination(found, "")
    return normalise_number(address)


def normalise_number(number: str) -> Destination | NoDestination:
    """E.164 form and country of a number written with its country code, if its country has such numbers.

    Valid is what libphonenumber's plan of the country knows, in one of the ways in which the line is written, and what
    AWS simulates. Letters are no digits here, though a telephone's keys have some, and nobody texts an extension.
    """
    parsed = _parse(number)
    if isinstance(parsed, NoDestination):
        return parsed
    written = _e164(parsed)
    country = phonenumbers.region_code_for_number(parsed)
    if country is None or not phonenumbers.is_valid_number_for_region(parsed, country):
        if not is_simulator(written) and not any(map(_is_valid, written_forms(written)[1:])):
            return NoDestination(f"+{parsed.country_code} has no such number")
        country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return Destination(written, country)


def known_as(channel: Channel, address: str) -> str | None:
    """The form in which an address is on record; None if it cannot be one.

    A number need not be one that we would write to: who is not to be written to may have a number that our copy of
    libphonenumber does not know.
    """
    if channel is Channel.EMAIL:
        return normalise_email(address)
    parsed = _parse(address)
    if isinstance(parsed, NoDestination):
        return None
    written = _e164(parsed)
    return written if any(map(_is_possible, written_forms(written))) else None


def _parse(number: str) -> phonenumbers.PhoneNumber | NoDestination:
    if any(character.isalpha() for character in number):
        return NoDestination("it has letters")
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return NoDestination("it is no number in international form (+, country code, number)")
    return parsed if parsed.extension is None else NoDestination("it has an extension")


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _is_valid(written: str) -> bool:
    return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, None)))


def _is_possible(written: str) -> bool:
    return bool(phonenumbers.is_possible_number(phonenumbers.parse(written, None)))


def normalise_email(address: str) -> str | None:
    """An address in lower case; None if SES would refuse it.

    SES takes 7-bit addresses only, internationalised domains in punycode (SES developer guide, "Email format").
    """
    lower = address.lower() if len(address) <= MAX_EMAIL and address.isascii() else ""
    local, _, domain = lower.rpartition("@")
    return lower if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None
