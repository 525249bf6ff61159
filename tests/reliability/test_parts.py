"""Parts at full size: every Unicode scalar on both sides of each edge, and 100,000 random texts."""

from __future__ import annotations

import random
import sys

import pytest

from tests.support.message_segments import DEFAULT, EXTENSION, assert_counts

SCALARS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
TEXTS = 100_000
ALPHABETS = {
    "default": sorted(DEFAULT),
    "with-extensions": sorted(DEFAULT) + sorted(EXTENSION) * 4,
    "extensions-only": sorted(EXTENSION),
    "a-stranger-among-gsm": [*sorted(DEFAULT) * 4, "\u0436", "\U0001f600", "\u4e2d"],
    "surrogate-pairs": ["\U0001f600", "\U0010ffff", "a"],
    "joined-emoji": ["\U0001f468", "\u200d", "\U0001f469", "\ufe0f", "x"],
    "anything": SCALARS,
}
LENGTHS = ((0, 80), (60, 170), (290, 320), (600, 700), (1_500, 1_560))
"""Around the edges: one part, two parts of either encoding, and the longest bodies AWS takes."""


def test_every_scalar_alone() -> None:
    assert len(SCALARS) == 0x110000 - 0x800
    for character in SCALARS:
        assert_counts(character)


@pytest.mark.parametrize("before", [66, 69])
def test_every_scalar_across_an_edge(before: int) -> None:
    """One code unit before the end of a part: a pair moves whole into the next. A Cyrillic letter makes the body UCS-2
    whatever the scalar is."""
    prefix = "\u0436" + "a" * (before - 1)
    for character in SCALARS:
        assert_counts(prefix + character + "bcdef")


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_texts(alphabet: str) -> None:
    rnd = random.Random(f"23.038 {alphabet}")
    characters = ALPHABETS[alphabet]
    for _ in range(-(-TEXTS // len(ALPHABETS))):
        assert_counts("".join(rnd.choices(characters, k=rnd.randint(*rnd.choice(LENGTHS)))))
