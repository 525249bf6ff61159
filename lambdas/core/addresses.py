"""Where a message goes: E.164 numbers and email addresses, in the one form in which they are compared and stored."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

from lambdas.core.channels import Channel

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


def destination_of(channel: Channel, address: str) -> Destination | None:
    """The destination that an address names on a channel; None if it cannot be one."""
    if channel is Channel.EMAIL:
        found = normalise_email(address)
        return None if found is None else Destination(found, "")
    return normalise_number(address)


def normalise_number(number: str) -> Destination | None:
    """E.164 form and country of a number written with its country code; None if it is not possible."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    country = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    return Destination(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), country)


def normalise_email(address: str) -> str | None:
    """An address in lower case; None if SES would refuse it.

    SES takes 7-bit addresses only, internationalised domains in punycode (SES developer guide, "Email format").
    """
    lower = address.lower() if len(address) <= MAX_EMAIL and address.isascii() else ""
    local, _, domain = lower.rpartition("@")
    return lower if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None
