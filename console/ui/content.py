"""Lines of the view as Textual `Content`: objects, never markup, so that no foreign text is ever parsed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from console.ui.themes import ROLE_STYLES, SHADE_STYLE
from console.view.glyphs import Glyphs, shown
from console.view.segments import Line, Segment


def content_of(lines: Iterable[Line], glyphs: Glyphs) -> Content:
    """One `Content` of all lines."""
    return Content("\n").join(_line(each, glyphs) for each in lines)


def _line(line: Line, glyphs: Glyphs) -> Content:
    return Content.assemble(*((shown(segment.text, glyphs), style_of(segment)) for segment in line))


def style_of(segment: Segment) -> str:
    """The style of a segment in theme variables."""
    parts = (ROLE_STYLES[segment.role], "reverse" if segment.badge else "", SHADE_STYLE if segment.shade else "")
    return " ".join(part for part in parts if part)
