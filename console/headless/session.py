"""`session test`: a whole session tried out with many listeners, its latencies, and nothing of it left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.campaigns import require_confirmed
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.rates import per_second
from console.services.actions import action
from console.services.monitor import stack_facts
from console.sessions.latencies import Latencies
from console.sessions.speakers import temporary_speaker, token_of
from console.sessions.state import require_sessions
from console.sessions.trial import Course, Trial, Wish
from console.sources.base import Connection
from console.text import safe_line
from console.view import session_trial as view
from console.view.segments import text_of
from lambdas.core.outputs import SessionOutputs
from lambdas.core.session import language

MOST_LISTENERS = 2_000
"""As many as a session may have."""
DEFAULT_RAMP = 400.0
"""Connections a second; an account may open 500 (API Gateway quotas, "WebSocket API")."""
MOST_RAMP = 500.0
DEFAULT_BROADCASTS = 5
MOST_BROADCASTS = 10_000
DEFAULT_LANGUAGES = "de"
SPARE_FILES = 64
"""Open files beside a trial's sockets."""

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command is asked for; with `check` a missed target is a bad answer."""

    wish: Wish
    token_file: Path | None = None
    check: bool = False


def parse_languages(text: str) -> tuple[str, ...]:
    """Language tags between commas."""
    found = [(each.strip(), language(each.strip())) for each in text.split(",")]
    for written, read in found:
        if read is None:
            raise ConsoleError(
                ProblemKind.BAD_INPUT,
                f"{safe_line(written, 40)!r} is no language",
                "give language tags with commas between them, for example de,fr,pt-BR",
            )
    return tuple(dict.fromkeys(read for _, read in found if read is not None))


def parse_ramp(value: object) -> float:
    """Listeners a second, above 0."""
    return per_second(value, name="ramp", things="listeners", most=MOST_RAMP)


def test(connection: Connection, asked: Asked, *, allow_actions: bool, confirm: str | None, as_json: bool) -> ExitCode:
    """Try a session out; the answer is bad where the trial broke, or with `check` where anything was not as wanted."""
    outputs = require_sessions(connection.outputs)
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    require_files(asked.wish.listeners)
    if connection.clients is not None:
        connection.clients.require_account()
    talk.say(f"{action('session_test').title}: {action('session_test').does}")
    trial = Trial(outputs.websocket_api_endpoint, asked.wish, talk.Course())
    try:
        with _speaker(connection, outputs, asked.token_file) as token:
            course = asyncio.run(trial.run(token))
    finally:
        for sentence in trial.course.left:
            talk.say(sentence)
    return _tell(course, asked, as_json=as_json)


@contextmanager
def _speaker(connection: Connection, outputs: SessionOutputs, token_file: Path | None) -> Iterator[str]:
    if token_file is not None:
        yield token_of(token_file)
        return
    if connection.clients is None:
        raise ConsoleError(ProblemKind.BAD_INPUT, "this stack is nowhere, so nobody can sign in", "give --token-file")
    with temporary_speaker(connection.clients, outputs, talk.say) as token:
        yield token


def require_files(listeners: int) -> None:
    """Refuse what this process has too few open files for, before any of them is opened."""
    try:
        import resource
    except ImportError:  # Windows counts sockets otherwise
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = listeners + SPARE_FILES
    if soft not in (resource.RLIM_INFINITY, -1) and soft < needed:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{listeners} listeners need {needed} open files, this shell allows {soft}",
            f"run `ulimit -n {needed}` first, or ask for fewer listeners",
        )


def _kinds(course: Course) -> view.Kinds:
    named = (
        ("creation to greeting", course.creation),
        ("join, handshake", course.handshakes),
        ("join to greeting", course.joins),
        ("heartbeat", course.heartbeats),
        ("broadcast, answer", course.acknowledgements),
        ("broadcast, listener", course.deliveries),
    )
    return tuple((name, Latencies.of(seconds)) for name, seconds in named)


def _tell(course: Course, asked: Asked, *, as_json: bool) -> ExitCode:
    wish, passed = asked.wish, course.passed(asked.wish)
    if as_json:
        talk.put_json(_document(course, wish, passed))
    else:
        talk.put(text_of(view.latency_table(_kinds(course))))
        talk.put(f"\n{_sums(course, wish)}")
        for target in course.targets():
            word = "met" if target.met else "missed"
            talk.put(f"target {target.name} p95 below {1000 * target.limit:g} ms: {word}")
    for sentence, count in course.troubles.most_common():
        talk.say(f"{count} x {sentence}")
    if course.broken:
        talk.say(f"the trial ended before its time: {course.broken}")
    return ExitCode.FAILED if course.broken or (asked.check and not passed) else ExitCode.OK


def _sums(course: Course, wish: Wish) -> str:
    return (
        f"{len(course.joins)} of {wish.listeners} listeners, {course.broadcasts} of {wish.broadcasts} broadcasts, "
        f"{len(course.deliveries)} of {course.expected} messages, {course.doubled} twice, "
        f"{course.dropped} connections lost"
    )


def _document(course: Course, wish: Wish, passed: bool) -> dict[str, Any]:
    return {
        "session_id": course.session_id,
        "passed": passed,
        "listeners": {"wanted": wish.listeners, "joined": len(course.joins), "refused": course.refused}
        | {"connections_lost": course.dropped},
        "broadcasts": {"wanted": wish.broadcasts, "sent": course.broadcasts},
        "messages": {"expected": course.expected, "lost": course.lost, "twice": course.doubled},
        "latencies": {name: view.latency_document(found) for name, found in _kinds(course)},
        "targets": {
            target.name: {"p95_below_ms": round(1000 * target.limit), "met": target.met} for target in course.targets()
        },
        "troubles": dict(course.troubles),
        "broken": course.broken or None,
        "left": course.left,
    }
