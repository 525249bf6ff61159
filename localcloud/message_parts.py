"""What a text costs on the air, counted the way a handset's encoder packs it.

Written from 3GPP TS 23.038 and TS 23.040 (140 octets of user data, 6 of them a concatenation header in a multi-part
text) and independently of `lambdas.core.parts`, so that carrier and sender check each other.
"""

from __future__ import annotations

from dataclasses import dataclass

_OCTETS = 140
_CONCATENATION_HEADER_OCTETS = 6

_GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 table 6.2.1 in code order; 0x1B is the escape to the extension table, not a character."""
_GSM7_EXTENSION = "\f^{}\\[~]|€"

_SEPTETS = {character: 1 for character in _GSM7 if character != "\x1b"} | dict.fromkeys(_GSM7_EXTENSION, 2)


@dataclass(frozen=True, slots=True)
class Airtime:
    """`encoding` as in AWS's events (`GSM` or `UNICODE`), parts filled, and length in septets or UTF-16 code units."""

    encoding: str
    parts: int
    units: int = 0


def airtime(body: str) -> Airtime:
    """How `body` travels; raises ValueError when it is empty."""
    if not body:
        raise ValueError("an empty text has no parts")
    septets = [_SEPTETS.get(character, 0) for character in body]
    if all(septets):
        each = (_OCTETS - _CONCATENATION_HEADER_OCTETS) * 8 // 7
        return Airtime("GSM", _pack(septets, _OCTETS * 8 // 7, each), sum(septets))
    code_units = [len(character.encode("utf-16-be", "surrogatepass")) // 2 for character in body]
    each = (_OCTETS - _CONCATENATION_HEADER_OCTETS) // 2
    return Airtime("UNICODE", _pack(code_units, _OCTETS // 2, each), sum(code_units))


def _pack(widths: list[int], alone: int, each: int) -> int:
    """Parts needed when no character may straddle two of them."""
    if sum(widths) <= alone:
        return 1
    parts, free = 0, 0
    for width in widths:
        if width > free:
            parts, free = parts + 1, each
        free -= width
    return parts
