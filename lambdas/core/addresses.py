"""Where a message goes: E.164 numbers and email addresses, in the one form in which they are compared and stored."""

from __future__ import annotations

import re
from typing import NamedTuple

from lambdas.core.channels import Channel

MAX_EMAIL = 254
"""Longest address that fits into SMTP's path (RFC 5321, section 4.5.3.1.3)."""
_LOCAL = re.compile(r"(?=.{1,64}$)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""A dot-atom (RFC 5322, section 3.2.3) of up to 64 characters (RFC 5321, section 4.5.3.1.1); quoted local parts, which
hardly anybody has, are refused."""
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


class Destination(NamedTuple):
    """`address` as the provider takes it; `country` (ISO 3166 alpha-2) of a number, empty for email."""

    address: str
    country: str


class NoDestination(NamedTuple):
    """An address that nothing can be sent to; `flaw` says why in a few words, which do not repeat it."""

    flaw: str


def destination_of(channel: Channel, address: str) -> Destination | NoDestination:
    """The destination that an address names on a channel, or why it names none."""
    if channel is Channel.EMAIL:
        found = normalise_email(address)
        return NoDestination("not an email address that SES takes") if found is None else Destination(found, "")
    from lambdas.core.phone_numbers import normalise_number  # libphonenumber: 13 ms that no email needs

    return normalise_number(address)


def known_as(channel: Channel, address: str) -> str | None:
    """The form in which an address is on record; None if it cannot be one.

    A number need not be one that we would write to: who is not to be written to may have a number that our copy of
    libphonenumber does not know.
    """
    if channel is Channel.EMAIL:
        return normalise_email(address)
    from lambdas.core.phone_numbers import known_number

    return known_number(address)


def normalise_email(address: str) -> str | None:
    """An address in lower case; None if SES would refuse it.

    SES takes 7-bit addresses only, internationalised domains in punycode (SES developer guide, "Email format").
    """
    lower = address.lower() if len(address) <= MAX_EMAIL and address.isascii() else ""
    local, _, domain = lower.rpartition("@")
    return lower if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None
