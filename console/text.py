"""Hostile text made harmless, once, at the data boundary.

Message bodies, names and alarm reasons come from outside. Textual passes escape sequences of plain strings to the
terminal, so that one inbound SMS could write a clipboard or move the cursor; nothing reaches a widget without `safe`.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len

MAX_CELLS = 2000
"""Longest text kept when the caller names no width: more than any screen shows."""
MAX_COMBINING = 2
"""Marks kept on one base character; living languages need no more, towers of marks overdraw other rows."""
ELLIPSIS = "…"

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
)
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SEPARATORS = frozenset({"Zl", "Zp"})
_BLANK_FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u034f")
_VARIATION_SELECTORS = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), *range(0xE0100, 0xE01F0)]))


def without_sequences(text: str) -> str:
    """`text` without the control sequences of terminals, whole: colours, cursor, titles, clipboard (ECMA-48).

    A string that does not end on its line stays, for nothing is hidden by a sequence that somebody has left open.
    """
    return text if text.isascii() and "\x1b" not in text else _SEQUENCE.sub("", text)


def safe(value: object, cells: int = MAX_CELLS) -> str:
    """`value` as text that cannot drive a terminal, at most `cells` wide.

    Dropped: C0 (except tab and newline), DEL, C1, bidirectional controls, zero-width and other format characters,
    surrogates, private and unassigned code points, invisible fillers, marks above `MAX_COMBINING` per character.
    Unicode line separators become newlines.
    """
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():
        return text if len(text) <= cells else fit(text, cells)
    kept: list[str] = []
    marks = 0
    for character in text[: 8 * cells + 64]:
        kind = unicodedata.category(character)
        if kind in _SEPARATORS:
            character = "\n"
        elif character not in "\t\n" and (
            kind in _DROPPED or character in _BLANK_FILLERS or character in _VARIATION_SELECTORS
        ):
            continue
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks <= MAX_COMBINING:
            kept.append(character)
    return fit("".join(kept), cells)


def safe_line(value: object, cells: int = MAX_CELLS) -> str:
    """`safe` on one line: each run of white space becomes one space."""
    return fit(" ".join(safe(value, cells=max(cells * 2, 64)).split()), cells)


def fit(text: str, cells: int) -> str:
    """`text` cut to `cells` terminal cells, with an ellipsis where something was cut."""
    if len(text) * 2 <= cells or cell_len(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept: list[str] = []
    left = cells - 1
    for character in text:
        left -= cell_len(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS
