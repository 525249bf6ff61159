"""Glyph sets: state is glyph + word + colour, and the glyph has an ASCII twin for terminals without UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from console.domain import Alarm, AlarmState
from console.text import ELLIPSIS
from console.view import pens
from console.view.pens import Pen
from console.view.segments import Role, Segment


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of the characters that states, lines and bars are drawn with."""

    ascii_only: bool
    alarm: str
    warn: str
    ok: str
    nodata: str
    loading: str
    running: str
    sent: str
    full: str
    empty: str
    target: str
    separator: str
    pen: Pen
    up: str
    down: str
    deeper: str


UNICODE = Glyphs(False, "▲", "◆", "●", "○", "…", "▸", "·", "━", "─", "╌", "·", pens.BRAILLE, "↑", "↓", "›")
BLOCK = Glyphs(False, "▲", "♦", "•", "○", "~", "►", "·", "█", "░", "-", "·", pens.BLOCK, "↑", "↓", "»")
ASCII = Glyphs(True, "!", "~", "+", "o", ".", ">", "-", "#", "-", "-", "|", pens.ASCII, "^", "v", ">")
POOR_FONTS = frozenset({"linux", "con132x25", "cons25"})
"""Values of TERM of consoles that draw with the 256 or 512 characters of the kernel's font."""


def glyphs_for(encoding: str | None, term: str = "") -> Glyphs:
    """The set that a terminal of this encoding and this TERM can show."""
    try:
        if codecs.lookup(encoding or "ascii").name != "utf-8":
            return ASCII
    except LookupError:
        return ASCII
    return BLOCK if term in POOR_FONTS else UNICODE


def to_ascii(text: str) -> str:
    """Text for a terminal without UTF-8: one `?` per character it cannot show, `~` where something was cut."""
    return text.replace(ELLIPSIS, "~").encode("ascii", "replace").decode("ascii")


def shown(text: str, glyphs: Glyphs) -> str:
    """`text` in the characters of a terminal; what comes from outside is left as it is where any can be shown."""
    if glyphs.ascii_only:
        return to_ascii(text)
    return text.replace(ELLIPSIS, "~") if glyphs is BLOCK else text


def alarm_badge(alarm: Alarm, glyphs: Glyphs = UNICODE) -> Segment:
    """The state of an alarm in eight cells; a critical one in ALARM is reversed."""
    if alarm.state is AlarmState.ALARM:
        if alarm.severity == "warning":
            return Segment(f"{glyphs.warn} WARN  ", Role.WARN)
        return Segment(f"{glyphs.alarm} ALARM ", Role.ALARM, badge=True)
    if alarm.state is AlarmState.OK:
        return Segment(f"{glyphs.ok} OK    ", Role.OK)
    return Segment(f"{glyphs.nodata} NODATA", Role.NODATA)


STATUS_ROLES: dict[str, Role] = {
    "delivered": Role.OK,
    "read": Role.OK,
    "failed": Role.ALARM,
    "in_doubt": Role.WARN,
    "sent": Role.PLAIN,
    "sending": Role.MUTED,
    "queued": Role.MUTED,
    "running": Role.ACCENT,
    "completed": Role.OK,
    "paused": Role.WARN,
    "cancelled": Role.MUTED,
    "stopped": Role.ALARM,
    "created": Role.PLAIN,
    "scheduled": Role.PLAIN,
}


def status_glyph(status: str, glyphs: Glyphs) -> str:
    """One glyph per message or campaign status."""
    by_role = {
        Role.OK: glyphs.ok,
        Role.ALARM: glyphs.alarm,
        Role.WARN: glyphs.warn,
        Role.MUTED: glyphs.nodata,
        Role.ACCENT: glyphs.running,
    }
    return by_role.get(STATUS_ROLES.get(status, Role.PLAIN), glyphs.sent)
