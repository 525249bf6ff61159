"""Sessions of a made-up stack: they follow from the clock, so equal times give equal answers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.clock import Clock
from console.sessions.state import (
    Doubt,
    Percentiles,
    SessionDetail,
    SessionGauges,
    SessionHour,
    SessionList,
    SessionState,
    SessionTerms,
    Status,
    require_sessions,
)
from console.sources.metric_queries import MINUTE
from console.sources.session_metrics import FIVE_MINUTES, gauges_of, hour_before
from console.sources.session_shapes import connections_of
from console.sources.sessions import not_there
from lambdas.core.attribute_values import Item
from lambdas.core.outputs import StackOutputs
from lambdas.core.session import Role, hashed
from lambdas.core.session_presence import SPEAKER_GRACE_MS

HOURS = 12
GRACE = SPEAKER_GRACE_MS / 1000
SPEAK_SECONDS = 7.0
"""Between two messages of a speaker."""
TERMS = SessionTerms(100, 500, 100, 105)
LANGUAGES = ("de", "fr", "pt-br", "ja", "es")
SHARES = (0.42, 0.27, 0.16, 0.1, 0.05)


@dataclass(frozen=True, slots=True)
class _Made:
    """A session that began `ago` seconds before the stack; `gone` is since when its speaker is, from then."""

    language: str
    ago: float
    listeners: int
    gone: float | None = None
    ended: float | None = None
    doubt: int | None = None


MADE: tuple[_Made, ...] = (
    _Made("en", 6_900.0, 412),
    _Made("en", 2_520.0, 500),
    _Made("de", 900.0, 37, gone=18.0),
    _Made("pt-br", 15_300.0, 131, doubt=128),
    _Made("fr", 240.0, 0),
    _Made("en", 4_000.0, 64, gone=95.0),
    _Made("es", 7_300.0, 3, ended=12.0),
)


class FakeSessions:
    """Sessions of the made-up stack of `outputs`; `ask` precedes every answer and may raise."""

    def __init__(self, outputs: StackOutputs, clock: Clock, ask: Callable[[str], None]) -> None:
        self._outputs = outputs
        self._clock = clock
        self._ask = ask
        self._begun = clock.now()

    def roster(self) -> SessionList:
        """All that were made up."""
        require_sessions(self._outputs)
        self._ask("dynamodb:BatchGetItem")
        return SessionList(tuple(self._state(number) for number in range(len(MADE))), TERMS)

    def session(self, session_id: str) -> SessionDetail:
        """One of them, with connections that came one after the other since it was opened."""
        require_sessions(self._outputs)
        self._ask("dynamodb:BatchGetItem")
        self._ask("dynamodb:Query")
        found = {session.id: session for session in map(self._state, range(len(MADE)))}
        if session_id not in found:
            raise not_there(session_id)
        session = found[session_id]
        listeners = session.doubt.listeners if session.doubt else session.listeners
        rows = [self._row(session, number, listeners) for number in range(listeners)]
        return SessionDetail(
            session=session,
            terms=TERMS,
            by_language=_by_language(listeners),
            complete=True,
            connections=connections_of(rows, TERMS, self._clock.now()),
        )

    def gauges(self) -> SessionGauges:
        """Listeners who come and go in waves."""
        require_sessions(self._outputs)
        self._ask("cloudwatch:GetMetricData")
        now = self._clock.now()
        grid = range(hour_before(now), int(now), MINUTE)
        active = {at: float(len(MADE) - 1 - (at // 600) % 2) for at in grid}
        total = sum(made.listeners for made in MADE)
        waves = {at: round(total * (0.8 + 0.2 * math.sin(at / 900))) * 1.0 for at in grid}
        refused = {at: float(at // 60 % 7) for at in grid if at // 60 % 7}
        return gauges_of({"active": active, "listeners": waves, "refused": refused}, now)

    def hour(self) -> SessionHour:
        """A few of each."""
        require_sessions(self._outputs)
        self._ask("cloudwatch:GetMetricData")
        at = self._clock.now() // FIVE_MINUTES * FIVE_MINUTES
        return SessionHour(
            Percentiles(at, 310.0, 720.0, 1_140.0),
            Percentiles(at, 84.0, 240.0, 610.0),
            Percentiles(at, 190.0, 540.0, 980.0),
            refused={"RATE_LIMITED": 212, "SESSION_FULL": 58, "SESSION_NOT_FOUND": 17, "TOKEN_REFUSED": 4},
            limited={"join": 187, "attempt": 25},
        )

    def _state(self, number: int) -> SessionState:
        made, now = MADE[number], self._clock.now()
        created = self._begun - made.ago
        return SessionState(
            id=_id(number),
            status=Status.ACTIVE if made.ended is None else Status.CLOSING,
            source_language=made.language,
            listeners=made.listeners,
            sequence=int((now - created) / SPEAK_SECONDS),
            created=created,
            changed=now - 20 - number,
            expires=created + 3600 * HOURS,
            speaker=hashed(f"speaker {number}"),
            speaker_connection=hashed(f"connection {number}"),
            speaker_gone=None if made.gone is None else self._gone(made.gone),
            ended=None if made.ended is None else self._begun - made.ended,
            reason="" if made.ended is None else "endedBySpeaker",
            doubt=None if made.doubt is None else Doubt(made.doubt, now - 44),
        )

    def _gone(self, seconds: float) -> float:
        """A speaker who is gone comes back within the minute and goes again; one who is lost is lost."""
        now = self._clock.now()
        return self._begun - seconds if seconds >= GRACE else now - (now - self._begun + seconds) % GRACE

    def _row(self, session: SessionState, number: int, listeners: int) -> Item:
        """Connections are never older than two hours, and are heard of every half minute."""
        now = self._clock.now()
        age = min((now - session.created) * (1 - number / listeners), 7_000.0)
        return {
            "openedAt": int((now - age) * 1000),
            "lastSeenAt": int((now - number % 180) * 1000),
            "role": Role.LISTENER.value,
            "counted": True,
        }


def _id(number: int) -> str:
    """As long as those of real sessions."""
    return hashlib.sha256(f"session {number}".encode()).hexdigest()[:22]


def _by_language(listeners: int) -> Mapping[str, int]:
    counts = [int(listeners * share) for share in SHARES]
    counts[0] += listeners - sum(counts)
    return {language: count for language, count in zip(LANGUAGES, counts, strict=True) if count}
