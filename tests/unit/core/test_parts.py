"""Parts, against a counter that builds the segments themselves from the standards' tables."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.parts import GSM_BASIC, GSM_EXTENSION, Encoding, count_parts

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

samples = st.text(
    st.one_of(
        st.sampled_from(sorted(DEFAULT)),
        st.sampled_from(sorted(EXTENSION)),
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\U0001f600\U0001f468\u200d\U0001f469"),
    ),
    max_size=400,
)


def segments_of(body: str) -> tuple[Encoding, list[bytes]]:
    """The segments a handset would get, as bytes: one byte per septet (0x1b before an extension), or UTF-16."""
    gsm = DEFAULT | EXTENSION
    if set(body) <= gsm:
        encoding, single, multi = Encoding.GSM, 160, 153
        units = [b"\x1b." if character in EXTENSION else b"." for character in body]
    else:
        encoding, single, multi = Encoding.UNICODE, 140, 134
        units = [character.encode("utf-16-be") for character in body]
    whole = b"".join(units)
    if len(whole) <= single:
        return encoding, [whole] if whole else []
    segments, current = [], b""
    for unit in units:
        if len(current + unit) > multi:
            segments.append(current)
            current = b""
        current += unit
    return encoding, [*segments, current]


def assert_counts(body: str) -> None:
    encoding, segments = segments_of(body)
    counted = count_parts(body)
    width = 1 if encoding is Encoding.GSM else 2
    units = sum(map(len, segments)) // width
    assert (counted.encoding, counted.units, counted.parts) == (encoding, units, len(segments))
    assert counted.too_long == (units > (1_530 if encoding is Encoding.GSM else 630))
    for segment in segments:
        if encoding is Encoding.GSM:
            assert not segment.endswith(b"\x1b")
        else:
            segment.decode("utf-16-be")


def scalars() -> list[str]:
    return [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_the_alphabet_is_the_standard_s() -> None:
    assert len(DEFAULT) == 127
    assert GSM_BASIC == DEFAULT
    assert GSM_EXTENSION == EXTENSION


def test_every_scalar_alone() -> None:
    for character in scalars():
        counted = count_parts(character)
        gsm = character in DEFAULT or character in EXTENSION
        wide = character in EXTENSION or (not gsm and ord(character) > 0xFFFF)
        assert (counted.parts, counted.units) == (1, 2 if wide else 1), hex(ord(character))
        assert counted.encoding is (Encoding.GSM if gsm else Encoding.UNICODE), hex(ord(character))


def test_every_scalar_of_the_alphabet_across_each_edge() -> None:
    for character in DEFAULT | EXTENSION:
        for before in (151, 152, 153, 158, 159, 160, 304, 305, 306):
            assert_counts("a" * before + character)
            assert_counts("a" * before + character + "b" * 20)


@pytest.mark.parametrize("plane_step", [1, 0x1F1])
def test_scalars_beyond_the_alphabet_across_each_edge(plane_step: int) -> None:
    step = plane_step if plane_step > 1 else 0x3FD
    for code in range(0x80, 0x110000, step):
        if 0xD800 <= code <= 0xDFFF:
            continue
        for before in (65, 66, 67, 68, 69, 70, 132, 133, 134):
            assert_counts("a" * before + chr(code))
            assert_counts(chr(code) * 3 + "a" * before)


@given(samples)
def test_random_texts(body: str) -> None:
    assert_counts(body)


def test_twenty_thousand_seeded_texts() -> None:
    rnd = random.Random(23_038)
    alphabets = (
        sorted(DEFAULT),
        sorted(DEFAULT) + sorted(EXTENSION) * 4,
        sorted(EXTENSION),
        [*sorted(DEFAULT), "\u0436", "\U0001f600", "\u4e2d"],
        ["\U0001f600", "a"],
    )
    for _ in range(20_000):
        alphabet = rnd.choice(alphabets)
        length = rnd.choice((rnd.randint(0, 80), rnd.randint(60, 170), rnd.randint(290, 320)))
        assert_counts("".join(rnd.choices(alphabet, k=length)))


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("\u20ac" * 80, 1),
        ("\u20ac" * 81, 2),
        ("a" * 152 + "\u20ac" + "a" * 7, 2),
        ("\u0436" * 70, 1),
        ("\u0436" * 71, 2),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
        ("\U0001f600" * 67, 3),
    ],
)
def test_known_lengths(body: str, parts: int) -> None:
    assert count_parts(body).parts == parts


@pytest.mark.parametrize(("body", "too_long"), [("a" * 1_530, False), ("a" * 1_531, True), ("\u0436" * 631, True)])
def test_the_longest_body(body: str, too_long: bool) -> None:
    assert count_parts(body).too_long is too_long
