"""Opt-outs in words."""

from __future__ import annotations

from collections.abc import Mapping

from console.text import safe_line
from console.view.foreign import Document, object_of, stamp_of, word_of
from console.view.segments import Line, Role, line, pad

SOURCES: Mapping[str, str] = {
    "stop": "the recipient said STOP",
    "api": "recorded by the API",
    "provider": "on AWS's own opt-out list",
    "opt_out": "the recipient stopped marketing in WhatsApp",
    "bounce": "mail to it bounces",
    "complaint": "its reader complained",
    "invalid": "there is no such number",
}
"""What each source of an opt-out means."""


def opt_out_lines(found: Document, masked: str) -> list[Line]:
    """Whether a destination may be written to, and who says not."""
    channel = word_of(found, "channel", 16)
    if not found.get("opted_out"):
        return [line((f"{masked} may be written to on {channel}", Role.OK))]
    sources = object_of(found, "sources")
    return [
        line((f"{masked} has opted out of {channel}", Role.WARN)),
        *(
            line((f"  {pad(stamp_of(sources, name), 24)}  ", Role.MUTED), SOURCES.get(name, safe_line(name, 40)))
            for name in sources
        ),
    ]
