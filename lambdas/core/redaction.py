"""Keeping people out of logs and screens."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\+\d{7,}")
_EMAIL = re.compile(r"[^\s@\"'<>(),;:]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def mask_number(number: str) -> str:
    """`+14255550156` -> `+1******0156`: the first digit and the last four stay."""
    digits = number.removeprefix("+")
    if len(digits) <= 5:
        return "*" * len(number)
    sign = "+" if number.startswith("+") else ""
    return f"{sign}{digits[0]}{'*' * (len(digits) - 5)}{digits[-4:]}"


def mask_email(address: str) -> str:
    """`someone@example.com` -> `s******@example.com`: the first letter and the domain stay."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{'*' * max(1, len(local) - 1)}@{domain}"


def mask_destination(address: str) -> str:
    """A number or an email address, masked."""
    return mask_email(address) if "@" in address else mask_number(address)


def mask_addresses(text: str) -> str:
    """`text` with every E.164 number (a longer run of digits as a whole) and every email address masked."""
    masked = _EMAIL.sub(lambda match: mask_email(match.group()), text)
    return _NUMBER.sub(lambda match: mask_number(match.group()), masked)
