"""What the console knows of a stack's sessions at one moment: frozen values with safe text, times in epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.domain import ConsoleError, Problem, ProblemKind
from console.telemetry import Series
from lambdas.core.outputs import SessionOutputs, StackOutputs
from lambdas.core.session_presence import SPEAKER_GRACE_MS

AGE_STEP_MINUTES = 20
AGE_STEPS = 6
"""Connections by age: so many steps, the last without an end."""


class Status(StrEnum):
    """Of a session in the roster: it has ended when it closes, and its members are told once more."""

    ACTIVE = "active"
    CLOSING = "closing"


class SpeakerState(StrEnum):
    """Whether a session has its speaker; a lost one is about to end the session."""

    CONNECTED = "connected"
    GONE = "gone"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Doubt:
    """That `listeners` were counted at `at`, beside another number."""

    listeners: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """One session; `speaker` and `speaker_connection` are hashed as the functions' logs have them.

    `changed` is when somebody last came or went, `ended` and `reason` are a closing session's.
    """

    id: str
    status: Status
    source_language: str
    listeners: int
    sequence: int
    created: float
    changed: float
    expires: float
    speaker: str
    speaker_connection: str
    speaker_gone: float | None = None
    ended: float | None = None
    reason: str = ""
    doubt: Doubt | None = None

    def speaker_state(self, now: float) -> SpeakerState:
        """Of an active session; a minute after a speaker has gone the reconciler ends the session."""
        if self.speaker_gone is None:
            return SpeakerState.CONNECTED
        return SpeakerState.LOST if now - self.speaker_gone >= SPEAKER_GRACE_MS / 1000 else SpeakerState.GONE


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """What the stack's functions are set to; None where their settings could not be read."""

    max_active: int | None = None
    max_listeners: int | None = None
    refresh_minutes: int | None = None
    warning_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class SessionList:
    """All sessions of the roster. `unread` are ids in it without a row: just opened, or ended long ago."""

    sessions: tuple[SessionState, ...]
    terms: SessionTerms
    unread: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of a session, as far as they were read: listeners and the speaker.

    `ages` counts them by steps of `AGE_STEP_MINUTES`, `to_move` are past the refresh and `warned` past the warning,
    `unseen` have sent no heartbeat for so long that the reconciler will remove them, `uncounted` are in no number.
    """

    read: int
    ages: tuple[int, ...]
    to_move: int
    warned: int
    unseen: int
    uncounted: int
    oldest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDetail:
    """One session with its listeners by language as the index has them; `complete` where none was left out."""

    session: SessionState
    terms: SessionTerms
    by_language: Mapping[str, int]
    complete: bool
    connections: Connections

    @property
    def found(self) -> int:
        """Listeners that the index has."""
        return sum(self.by_language.values())


NOTHING_REFUSED = Series("refused", 60, ())
"""In recordings of a console that did not read it."""


@dataclass(frozen=True, slots=True)
class SessionGauges:
    """The last hour by the minute; `refused` are connections and messages that were answered with an error."""

    active: Series
    listeners: Series
    refused: Series = NOTHING_REFUSED


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds in the last five minutes that have any; `at` is their beginning."""

    at: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class SessionHour:
    """The last hour: latencies; how often something was refused, by code; which limits were met, by operation."""

    creation: Percentiles
    join: Percentiles
    broadcast: Percentiles
    refused: Mapping[str, int]
    limited: Mapping[str, int]


def sessions_off(outputs: StackOutputs) -> Problem | None:
    """Why there are no sessions, None where the stack has them; one of an older version of the product has none."""
    try:
        require_sessions(outputs)
    except ConsoleError as error:
        return error.problem
    return None


def require_sessions(outputs: StackOutputs) -> SessionOutputs:
    """The outputs of a stack's sessions; raises `ConsoleError` with the setting that turns them on."""
    found = outputs.sessions
    if not found.sessions_table:
        raise ConsoleError(
            ProblemKind.NOT_FOUND,
            f"the stack {outputs.identity.stack} has no sessions",
            "the setting `sessions` turns them on, for example "
            f"`pulumi config set --path '{outputs.identity.project}:sessions.max_listeners' 500`, then `pulumi up`",
        )
    return found
