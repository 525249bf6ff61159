"""What charts are drawn with: how many dots a cell holds, and the characters of axes; one pen per kind of terminal."""

from __future__ import annotations

from dataclasses import dataclass

_BRAILLE = 0x2800
_BRAILLE_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille cell by column and by height from the bottom (Unicode block "Braille Patterns")."""


@dataclass(frozen=True, slots=True)
class Pen:
    """One set of characters for lines and axes.

    A cell has `across` times `up` dots; `bits[column][height from the bottom]` are added up to index `cells`. `steps`
    are the heights of a one-row sparkline, lowest first.
    """

    bits: tuple[tuple[int, ...], ...]
    cells: str
    steps: str
    dashed: str
    cursor: str
    upright: str
    corner: str
    axis: str
    tick: str
    window: str
    mark: str
    mark_line: str

    @property
    def across(self) -> int:
        """Dots of a cell from left to right."""
        return len(self.bits)

    @property
    def up(self) -> int:
        """Dots of a cell from bottom to top."""
        return len(self.bits[0])


BRAILLE = Pen(
    bits=_BRAILLE_BITS,
    cells="".join(chr(_BRAILLE + dots) for dots in range(256)),
    steps="▁▂▃▄▅▆▇█",
    dashed="╌",
    cursor="│",
    upright="│",
    corner="└",
    axis="─",
    tick="┴",
    window="━",
    mark="△",
    mark_line="┊",
)
BLOCK = Pen(
    bits=((1, 2),),
    cells=" ▄▀█",
    steps="▄█",
    dashed="-",
    cursor="│",
    upright="│",
    corner="└",
    axis="─",
    tick="┴",
    window="═",
    mark="^",
    mark_line=":",
)
"""For consoles whose font has the box and half-block characters of code page 437 and no braille (Linux without X)."""
ASCII = Pen(
    bits=((1,),),
    cells=" *",
    steps="_.-=+*#@",
    dashed="-",
    cursor="|",
    upright="|",
    corner="+",
    axis="-",
    tick="+",
    window="=",
    mark="^",
    mark_line=":",
)
