"""Where a message goes: E.164 numbers and email addresses, in the one form in which they are compared and stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address

import phonenumbers

from lambdas.core.channels import Channel

MAX_EMAIL = 254
"""Longest address that fits into SMTP's path (RFC 5321, section 4.5.3.1.3)."""
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
    if len(address) > MAX_EMAIL or not address.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in address):
        return None
    try:
        parsed = Address(addr_spec=address)
    except (HeaderParseError, IndexError, ValueError):
        return None
    local, domain = parsed.username, parsed.domain.lower()
    if not local or len(local) > 64 or f"{local}@{domain}" != f"{address.rpartition('@')[0]}@{domain}":
        return None
    return f"{local.lower()}@{domain}" if _DOMAIN.fullmatch(domain) else None
