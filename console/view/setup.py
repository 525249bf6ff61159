"""The steps of a setup as lines: what is there, what would be done or was, what remains by hand."""

from __future__ import annotations

from console.setup.outcome import Outcome, Word
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line, pad

_NAME = 24
_WORD = 9


def outcome_lines(outcome: Outcome, glyphs: Glyphs) -> list[Line]:
    """One step, and below it what a person has to do."""
    glyph, role = {
        Word.THERE: (glyphs.ok, Role.OK),
        Word.DONE: (glyphs.ok, Role.OK),
        Word.WOULD: (glyphs.running, Role.ACCENT),
        Word.WAITING: (glyphs.loading, Role.MUTED),
        Word.HAND: (glyphs.warn, Role.WARN),
        Word.FAILED: (glyphs.alarm, Role.ALARM),
    }[outcome.word]
    lines = [line((f"{glyph} {pad(outcome.word.value, _WORD)}", role), pad(outcome.name, _NAME), f" {outcome.detail}")]
    if outcome.remedy:
        lines.append(line(" " * (_NAME + _WORD + 3), (outcome.remedy, Role.MUTED)))
    return lines
