"""Keeping people out of logs and screens."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\+\d{7,}")


def mask_number(number: str) -> str:
    """`+14255550156` -> `+1******0156`: the first digit and the last four stay."""
    digits = number.removeprefix("+")
    if len(digits) <= 5:
        return "*" * len(number)
    sign = "+" if number.startswith("+") else ""
    return f"{sign}{digits[0]}{'*' * (len(digits) - 5)}{digits[-4:]}"


def mask_numbers(text: str) -> str:
    """`text` with every E.164 number masked (a longer run of digits is masked whole)."""
    return _NUMBER.sub(lambda match: mask_number(match.group()), text)
