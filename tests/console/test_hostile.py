"""Hostile texts on a real terminal, over every widget: a slice of what `make reliability` shows at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.hostile_texts import BREAKS, EVIL, corpus
from tests.console.hostile_walk import Walk
from tests.console.terminal_grammar import ONCE, copies_of, foreign

TEXTS = 300


def printable(text: str) -> str:
    """`text` with what moves the cursor or belongs to no terminal left away."""
    return "".join(each for each in text if each in "\r\n" or each.isprintable() or not each.isascii())


@pytest.mark.timeout(600)
def test_no_text_of_a_stack_is_more_than_text(tmp_path: Path) -> None:
    walk = Walk(tmp_path, TEXTS)
    try:
        walk.everywhere()
        walk.until_all_were_seen()
        walk.is_harmless()
    finally:
        walk.terminal.close()


@pytest.mark.parametrize("text", [each for each in BREAKS if each != printable(each)])
def test_the_grammar_finds_each_of_the_texts(text: str) -> None:
    written = b"\x1b[1m" + text.encode("utf-8", "ignore") + b"\x1b[0m"
    assert foreign(b"\x1b[1m") == []
    assert foreign(written) or EVIL in copies_of(written) or any(each in written for each in ONCE)


def test_equal_seeds_give_equal_texts_and_all_differ() -> None:
    assert corpus(1_000) == corpus(1_000)
    assert len(set(corpus(10_000))) == 10_000
