"""Opt-outs in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.text import safe_line
from console.view import format as fmt
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


def opt_out_lines(found: Mapping[str, Any], masked: str) -> list[Line]:
    """Whether a destination may be written to, and who says not."""
    channel = safe_line(found.get("channel", ""), 16)
    if not found.get("opted_out"):
        return [line((f"{masked} may be written to on {channel}", Role.OK))]
    sources = found.get("sources")
    lines = [line((f"{masked} has opted out of {channel}", Role.WARN))]
    for name, at_ms in (sources if isinstance(sources, dict) else {}).items():
        words = SOURCES.get(name, safe_line(name, 40))
        since = fmt.stamp(at_ms / 1000) if isinstance(at_ms, int | float) else fmt.MISSING
        lines.append(line((f"  {pad(since, 24)}  ", Role.MUTED), words))
    return lines
