"""Sessions as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.domain import StackFacts
from console.invocations import own
from console.sessions.state import SessionState, SpeakerState, Status
from console.text import fit
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line, pad
from console.view.table import Column, Kind, Look

SHORT_HASH = 12
"""Characters of a hash that are shown: what tells two apart, and finds a line of the logs."""
CROWDED = 0.9
"""From which share of its places on a session is said to be nearly full."""
LABEL = 13
_SPEAKER = {
    SpeakerState.CONNECTED: Role.OK,
    SpeakerState.GONE: Role.WARN,
    SpeakerState.LOST: Role.ALARM,
}


def short(hashed: str) -> str:
    """The beginning of a hash."""
    return hashed[:SHORT_HASH]


def speaker_glyph(state: SpeakerState, glyphs: Glyphs) -> str:
    """One for each state of a speaker."""
    by_state = {SpeakerState.CONNECTED: glyphs.ok, SpeakerState.GONE: glyphs.warn, SpeakerState.LOST: glyphs.alarm}
    return by_state[state]


def status_words(session: SessionState, glyphs: Glyphs) -> str:
    """Glyph and word."""
    glyph = glyphs.running if session.status is Status.ACTIVE else glyphs.nodata
    return f"{glyph} {session.status.value}"


def places(listeners: int, most: int | None) -> str:
    """`37/500`, the number alone where nobody knows how many there may be."""
    return str(listeners) if most is None else f"{listeners}/{most}"


def places_role(listeners: int, most: int | None) -> Role:
    """Loud where nobody fits in any more."""
    if most is None or listeners < CROWDED * most:
        return Role.PLAIN
    return Role.ALARM if listeners >= most else Role.WARN


def _speaker(session: SessionState, look: Look) -> str:
    if session.status is not Status.ACTIVE:
        return fmt.MISSING
    state = session.speaker_state(look.now)
    return f"{speaker_glyph(state, look.glyphs)} {state.value}"


def _speaker_role(session: SessionState, now: float) -> Role:
    return Role.MUTED if session.status is not Status.ACTIVE else _SPEAKER[session.speaker_state(now)]


def _command(session: SessionState, stack: StackFacts) -> Sequence[str]:
    return own(stack, "open", f"cpaas://{stack.stack}/sessions/{session.id}")


def kind(now: Callable[[], float], most: Callable[[], int | None]) -> Kind[SessionState]:
    """The columns; whether a speaker is lost follows from the time, how full a session is from its stack's settings."""
    return Kind(
        name="sessions",
        columns=(
            Column(
                "status",
                9,
                lambda session, look: status_words(session, look.glyphs),
                key=lambda session: (session.status is not Status.ACTIVE, -session.listeners),
                role=lambda session: Role.ACCENT if session.status is Status.ACTIVE else Role.MUTED,
            ),
            Column("session", 0, lambda session, _: session.id),
            Column("from", 5, lambda session, _: session.source_language),
            Column(
                "listeners",
                9,
                lambda session, _: places(session.listeners, most()),
                key=lambda session: session.listeners,
                role=lambda session: places_role(session.listeners, most()),
                right=True,
            ),
            Column(
                "last",
                6,
                lambda session, _: fmt.count(session.sequence),
                key=lambda session: session.sequence,
                role=lambda _: Role.MUTED,
                right=True,
            ),
            Column(
                "age",
                4,
                lambda session, look: fmt.age(look.now - session.created),
                key=lambda session: -session.created,
                role=lambda _: Role.MUTED,
                right=True,
                live=True,
            ),
            Column(
                "ends in",
                7,
                lambda session, look: fmt.age(max(0.0, session.expires - look.now)),
                key=lambda session: session.expires,
                role=lambda _: Role.MUTED,
                right=True,
                need=90,
                live=True,
            ),
            Column("speaker", 11, _speaker, role=lambda session: _speaker_role(session, now())),
            Column(
                "gone",
                4,
                lambda session, look: fmt.age(_gone_for(session, look.now)),
                key=lambda session: session.speaker_gone,
                role=lambda session: _speaker_role(session, now()),
                right=True,
                need=100,
                live=True,
            ),
        ),
        id=lambda session: session.id,
        sort="status",
        command=_command,
    )


def _gone_for(session: SessionState, now: float) -> float | None:
    return None if session.speaker_gone is None else now - session.speaker_gone


def details(session: SessionState, most: int | None, now: float, glyphs: Glyphs) -> list[Line]:
    """All that its row in the table says."""
    lines = [
        line((session.id, Role.STRONG)),
        _fact("status", status_words(session, glyphs)),
        _fact("opened", f"{fmt.stamp(session.created)[:19]}Z, {fmt.age(now - session.created)} ago"),
        _fact("ends at", f"{fmt.stamp(session.expires)[:19]}Z at the latest"),
        _fact("from", session.source_language),
        _fact("listeners", places(session.listeners, most), places_role(session.listeners, most)),
        _fact("last message", fmt.count(session.sequence)),
        speaker_line(session, now, glyphs),
        _fact("connection", short(session.speaker_connection), Role.MUTED),
    ]
    return [*lines, *doubt_lines(session, now, glyphs)]


def speaker_line(session: SessionState, now: float, glyphs: Glyphs) -> Line:
    """Who speaks, hashed, and whether they are there; of a closing session why it ended."""
    if session.status is not Status.ACTIVE:
        ago = "" if session.ended is None else f", {fmt.age(now - session.ended)} ago"
        return _fact("ended", f"{session.reason or fmt.MISSING}{ago}", Role.MUTED)
    state = session.speaker_state(now)
    gone = "" if session.speaker_gone is None else f" since {fmt.clock(session.speaker_gone)}"
    return line(
        (pad("speaker", LABEL), Role.MUTED),
        (f"{speaker_glyph(state, glyphs)} {state.value}{gone}", _SPEAKER[state]),
        (f"  {short(session.speaker)}", Role.MUTED),
    )


def doubt_lines(session: SessionState, now: float, glyphs: Glyphs) -> list[Line]:
    """That its number of listeners is perhaps wrong."""
    doubt = session.doubt
    if doubt is None:
        return []
    words = f"{doubt.listeners:,} were counted {fmt.age(now - doubt.at)} ago; counted again before it is changed"
    return [line((f"{glyphs.warn} ", Role.WARN), (words, Role.WARN))]


def _fact(name: str, value: str, role: Role = Role.PLAIN) -> Line:
    return line((pad(name, LABEL), Role.MUTED), (fit(value, 60), role))
