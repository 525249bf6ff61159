"""Keeping people out of logs and screens."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\+\d{7,}")
_LOCAL_PART = re.compile(r"([^\s@\"<>(),;:]{1,64})@(?=[\w\[])")
"""Whatever stands before an `@`, up to the 64 characters of a local part: without a bound, a long text without any `@`
would take the square of its length."""


def mask_number(number: str) -> str:
    """`+14255550156` -> `+1******0156`: the first digit and the last four stay."""
    digits = number.removeprefix("+")
    if len(digits) <= 5:
        return "*" * len(number)
    sign = "+" if number.startswith("+") else ""
    return f"{sign}{digits[0]}{'*' * (len(digits) - 5)}{digits[-4:]}"


def mask_email(address: str) -> str:
    """`someone@example.com` -> `s******@example.com`: the first letter, unless it is the only one, and the domain
    stay."""
    local, _, domain = address.rpartition("@")
    return f"{_mask_local_part(local)}@{domain}"


def _mask_local_part(local: str) -> str:
    name = local.lstrip("'")
    if not name:
        return "*" * len(local)
    # An apostrophe before a name is a quotation mark more often than a part of it.
    before = local[: len(local) - len(name)]
    return before + (name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*")


def mask_destination(address: str) -> str:
    """A number or an email address, masked."""
    return mask_email(address) if "@" in address else mask_number(address)


def mask_addresses(text: str) -> str:
    """`text` with every E.164 number (a longer run of digits as a whole) and every email address masked."""
    masked = _LOCAL_PART.sub(lambda match: f"{_mask_local_part(match.group(1))}@", text)
    return _NUMBER.sub(lambda match: mask_number(match.group()), masked)
