"""Which countries' numbers may be written to: the stack's allow list and what a request narrows it to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_COUNTRY = re.compile(r"[A-Z]{2}")
MAX_COUNTRIES = 250
"""There are fewer countries (ISO 3166-1)."""


def parse_countries(value: object, where: str, problems: list[str]) -> tuple[str, ...] | None:
    """An optional list of countries; adds to `problems` and returns None where it is none."""
    if value is None:
        return None
    listed = value if isinstance(value, list) and len(value) <= MAX_COUNTRIES else []
    if listed and all(isinstance(each, str) and _COUNTRY.fullmatch(each) for each in listed):
        return tuple(sorted(set(listed)))
    problems.append(f'{where} must be a list of two-letter country codes (ISO 3166), such as ["US", "DE"]')
    return None


def countries_to_text(countries: Sequence[str]) -> str:
    """The stack's list as the text of one environment variable; empty where every country is allowed."""
    return ",".join(countries)


def allowed_countries(stack: str, asked: Collection[str] | None) -> frozenset[str] | None:
    """What both the stack (as `countries_to_text` writes it) and the request allow; None where that is everything."""
    ours = frozenset(filter(None, stack.split(",")))
    if asked is None:
        return ours or None
    return frozenset(asked) & ours if ours else frozenset(asked)
