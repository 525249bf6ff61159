"""How many message parts a text costs: GSM-7 and UCS-2 counting.

Limits: AWS End User Messaging SMS user guide, "SMS character limits" (160/153 septets, 70/67 code units; the extension
table counts two; a multi-part text never splits an escape or a surrogate pair). Alphabet: 3GPP TS 23.038, 6.2.1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")

MAX_GSM_CHARACTERS = 1530
MAX_UCS2_CHARACTERS = 630
"""Longest body AWS accepts, by encoding (same page)."""


class Encoding(StrEnum):
    """How a body travels; one character outside GSM-7 turns the whole body into UCS-2."""

    GSM = "GSM"
    UNICODE = "UNICODE"


class PartCount(NamedTuple):
    """Encoding, its units (septets or 16-bit code units) and the parts they fill; an empty body has none."""

    encoding: Encoding
    units: int
    parts: int
    too_long: bool


def count_parts(body: str) -> PartCount:
    """Count the parts of `body`."""
    if all(character in GSM_BASIC or character in GSM_EXTENSION for character in body):
        widths = [2 if character in GSM_EXTENSION else 1 for character in body]
        return _count(Encoding.GSM, widths, single=160, multi=153, limit=MAX_GSM_CHARACTERS)
    widths = [2 if ord(character) > 0xFFFF else 1 for character in body]
    return _count(Encoding.UNICODE, widths, single=70, multi=67, limit=MAX_UCS2_CHARACTERS)


def _count(encoding: Encoding, widths: list[int], *, single: int, multi: int, limit: int) -> PartCount:
    units = sum(widths)
    too_long = units > limit
    if units <= single:
        return PartCount(encoding, units, int(units > 0), too_long)
    parts, used = 1, 0
    for width in widths:
        if used + width > multi:
            parts, used = parts + 1, 0
        used += width
    return PartCount(encoding, units, parts, too_long)
