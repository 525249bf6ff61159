"""JSON as lines with roles: names, figures and texts apart, texts of several lines as they are."""

from __future__ import annotations

import json

from console.text import safe, safe_line
from console.view.segments import Line, Role, Segment, line

INDENT = 2
TEXT_CELLS = 8_000


def json_lines(value: object, indent: int = 0) -> list[Line]:
    """`value` as `json.loads` gives it; every text is made harmless once more, as its escapes have been undone."""
    margin = " " * indent
    if isinstance(value, dict) and value:
        lines = [line((f"{margin}{{", Role.MUTED))]
        for name, each in value.items():
            lines += _named(safe_line(name, 200), json_lines(each, indent + INDENT), indent + INDENT)
        return [*lines, line((f"{margin}}}", Role.MUTED))]
    if isinstance(value, list) and value:
        items = [each for item in value for each in json_lines(item, indent + INDENT)]
        return [line((f"{margin}[", Role.MUTED)), *items, line((f"{margin}]", Role.MUTED))]
    if isinstance(value, str):
        return _text(safe(value, TEXT_CELLS), margin)
    role = Role.THIRD if isinstance(value, int | float) and not isinstance(value, bool) else Role.FOURTH
    return [line(margin, (json.dumps(value), role))]


def _named(name: str, lines: list[Line], indent: int) -> list[Line]:
    """The value's first line behind its name."""
    first, *rest = lines
    inner = first[0]._replace(text=first[0].text[indent:])
    return [line(" " * indent, (f"{name}: ", Role.ACCENT), inner, *first[1:]), *rest]


def _text(text: str, margin: str) -> list[Line]:
    rows = text.split("\n")
    return [(Segment(f"{margin}{row}"),) for row in rows]
