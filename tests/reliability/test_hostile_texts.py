"""Ten thousand hostile texts on a real terminal, each seen at least once, none of them more than text."""

from __future__ import annotations

from pathlib import Path

from tests.console.hostile_walk import Walk

TEXTS = 10_000


def test_no_text_of_a_stack_is_more_than_text(tmp_path: Path) -> None:
    walk = Walk(tmp_path, TEXTS)
    try:
        walk.everywhere()
        walk.until_all_were_seen()
        assert len(walk.seen) == TEXTS
        walk.is_harmless()
    finally:
        walk.terminal.close()
