"""The segments of a text message as a handset would get them, built as bytes from the standard's own tables.

Independent of `lambdas/core/parts.py` on purpose: it cuts the encoded bytes and counts what comes out, where that one
adds up widths.
"""

from __future__ import annotations

from collections.abc import Callable

from lambdas.core.parts import Encoding, count_parts

GSM_ROWS = (
    "@ \u0394 SP 0 \u00a1 P \u00bf p",
    "\u00a3 _ ! 1 A Q a q",
    '$ \u03a6 " 2 B R b r',
    "\u00a5 \u0393 # 3 C S c s",
    "\u00e8 \u039b \u00a4 4 D T d t",
    "\u00e9 \u03a9 % 5 E U e u",
    "\u00f9 \u03a0 & 6 F V f v",
    "\u00ec \u03a8 ' 7 G W g w",
    "\u00f2 \u03a3 ( 8 H X h x",
    "\u00c7 \u0398 ) 9 I Y i y",
    "LF \u039e * : J Z j z",
    "\u00d8 ESC + ; K \u00c4 k \u00e4",
    "\u00f8 \u00c6 , < L \u00d6 l \u00f6",
    "CR \u00e6 - = M \u00d1 m \u00f1",
    "\u00c5 \u00df . > N \u00dc n \u00fc",
    "\u00e5 \u00c9 / ? O \u00a7 o \u00e0",
)
"""The default alphabet as 3GPP TS 23.038 prints it, one row per low nibble."""
NAMED = {"SP": " ", "LF": "\n", "CR": "\r"}
DEFAULT = {NAMED.get(cell, cell) for row in GSM_ROWS for cell in row.split(" ")} - {"ESC"}
EXTENSION = {chr(code) for code in (0x0C, 0x5E, 0x7B, 0x7D, 0x5C, 0x5B, 0x7E, 0x5D, 0x7C, 0x20AC)}
GSM = DEFAULT | EXTENSION
SEPTETS = {ord(character): "." for character in DEFAULT} | {ord(character): "\x1b." for character in EXTENSION}
GSM_LIMIT, UCS2_LIMIT = 1_530, 630
"""Longest body AWS takes, in septets and in UTF-16 code units."""


def segments_of(body: str) -> tuple[Encoding, list[bytes]]:
    """The encoding and the segments: one byte per septet (0x1b before an extension), or UTF-16."""
    if GSM.issuperset(body):
        return Encoding.GSM, _cut(body.translate(SEPTETS).encode("ascii"), 160, 153, _escape_at_the_end)
    return Encoding.UNICODE, _cut(body.encode("utf-16-be"), 140, 134, _half_a_pair_at_the_end)


def _cut(whole: bytes, single: int, multi: int, too_many: Callable[[bytes], int]) -> list[bytes]:
    if len(whole) <= single:
        return [whole] if whole else []
    segments = []
    while whole:
        end = multi - (too_many(whole[:multi]) if len(whole) > multi else 0)
        segments.append(whole[:end])
        whole = whole[end:]
    return segments


def _escape_at_the_end(piece: bytes) -> int:
    return int(piece.endswith(b"\x1b"))


def _half_a_pair_at_the_end(piece: bytes) -> int:
    return 2 if 0xD8 <= piece[-2] <= 0xDB else 0


def assert_counts(body: str) -> None:
    """`count_parts` says what the segments are, and no segment ends within a character."""
    encoding, segments = segments_of(body)
    counted = count_parts(body)
    width = 1 if encoding is Encoding.GSM else 2
    units = sum(map(len, segments)) // width
    assert (counted.encoding, counted.units, counted.parts) == (encoding, units, len(segments))
    assert counted.too_long == (units > (GSM_LIMIT if encoding is Encoding.GSM else UCS2_LIMIT))
    for segment in segments:
        if encoding is Encoding.GSM:
            assert not segment.endswith(b"\x1b")
        else:
            segment.decode("utf-16-be")
