"""Numbers that are written in two ways though they are one line."""

from __future__ import annotations

import re

_TWO_FORMS = (
    (re.compile(r"\+521(\d{10})"), re.compile(r"\+52(\d{10})"), "+521{0}", "+52{0}"),
    (re.compile(r"\+549(\d{10})"), re.compile(r"\+54(\d{10})"), "+549{0}", "+54{0}"),
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), re.compile(r"\+55(\d\d)([6-9]\d{7})"), "+55{0}9{1}", "+55{0}{1}"),
)
"""Mobile numbers that are written in two ways: Mexico's 1 and Argentina's 9 after the country code, Brazil's ninth
digit. WhatsApp may name a sender in the other one than we wrote to (Cloud API, "Phone numbers")."""


def written_forms(number: str) -> tuple[str, ...]:
    """The E.164 numbers under which we may know the line of `number`, itself first."""
    for longer, shorter, as_long, as_short in _TWO_FORMS:
        if (found := longer.fullmatch(number)) is not None:
            return number, as_short.format(*found.groups())
        if (found := shorter.fullmatch(number)) is not None:
            return number, as_long.format(*found.groups())
    return (number,)
