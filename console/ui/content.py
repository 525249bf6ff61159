"""Lines of the view as Textual `Content`: objects, never markup, so that no foreign text is ever parsed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from console.ui.themes import ROLE_STYLES
from console.view.glyphs import Glyphs, to_ascii
from console.view.segments import Line


def content_of(lines: Iterable[Line], glyphs: Glyphs) -> Content:
    """One `Content` of all lines."""
    return Content("\n").join(_line(each, glyphs) for each in lines)


def _line(line: Line, glyphs: Glyphs) -> Content:
    parts: list[tuple[str, str]] = []
    for segment in line:
        text = to_ascii(segment.text) if glyphs.ascii_only else segment.text
        style = ROLE_STYLES[segment.role]
        parts.append((text, f"{style} reverse".strip() if segment.badge else style))
    return Content.assemble(*parts)
