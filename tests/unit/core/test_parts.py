"""Parts, against a counter that builds the segments themselves (tests/support/message_segments.py)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.parts import GSM_BASIC, GSM_EXTENSION, Encoding, count_parts
from tests.support.message_segments import DEFAULT, EXTENSION, assert_counts

samples = st.text(
    st.one_of(
        st.sampled_from(sorted(DEFAULT)),
        st.sampled_from(sorted(EXTENSION)),
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\U0001f600\U0001f468\u200d\U0001f469"),
    ),
    max_size=400,
)


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
