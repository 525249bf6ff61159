"""What makes the alarms of sessions rise on an embedded stack; a cause is a context manager, as in `alarm_causes`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lambdas.adapters.dynamo import Table
from lambdas.adapters.session_tables import SessionTables
from lambdas.core import metrics
from lambdas.core.session import Connection, EndReason, Role, Session
from tests.cloud.alarm_stage import Alarm, Stage

AT_A_TIME = 8


def store(stage: Stage) -> SessionTables:
    """The stack's sessions and connections, as its functions see them."""
    dynamo, names = stage.stack.client("dynamodb"), stage.stack.outputs.sessions
    return SessionTables(Table(dynamo, names.sessions_table), Table(dynamo, names.connections_table))


def refused(stage: Stage, **query: str) -> int:
    """Ask for a connection that is not to be had; the status of the handshake."""
    url = f"{stage.stack.outputs.sessions.websocket_api_endpoint}?{urlencode(query)}"
    try:
        with connect(url, proxy=None):
            return 101
    except InvalidStatus as answer:
        return answer.response.status_code


def lonely_listener() -> Connection:
    """A listener's connection without a session or a socket."""
    now_ms = int(time.time() * 1_000)
    id_ = f"lag-{uuid.uuid4().hex}"
    return Connection(
        id=id_, session_id="nobodys-session", role=Role.LISTENER, language="de", opened_ms=now_ms, last_seen_ms=now_ms
    )


@contextmanager
def strangers(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """More people than one would think ask for a session that does not exist."""
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    before = stage.total(metrics.CONNECTION_ERRORS, every)
    more = int(max(alarm["Threshold"] for alarm in alarms)) + 1
    query = {"action": "joinSession", "sessionId": "no-such-session", "targetLanguage": "de"}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        statuses = set(pool.map(lambda _: refused(stage, **query), range(more)))
    assert statuses == {404}
    stage.wait_until(lambda: stage.total(metrics.CONNECTION_ERRORS, every) >= before + more, what="all are counted")
    yield


@contextmanager
def crowd(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Almost as many sessions as may be; their speakers are there as far as the tables know.

    At the end nothing is left to close: a look at each of them would make sweeps slower than the clock is here.
    """
    sessions, now_ms = store(stage), int(time.time() * 1_000)
    many = int(max(alarm["Threshold"] for alarm in alarms)) + 1
    crowded = [
        Session(
            id=f"crowd-{uuid.uuid4().hex}",
            speaker="somebody",
            speaker_connection="elsewhere",
            source_language="en",
            created_ms=now_ms,
            changed_ms=now_ms,
            expires_s=now_ms // 1_000 + 3_600,
        )
        for _ in range(many)
    ]
    for session in crowded:
        assert sessions.open_session(session, many + 9)
    try:
        yield
    finally:
        for session in crowded:
            sessions.end(session.id, EndReason.ENDED_BY_SPEAKER, int(time.time() * 1_000))
            sessions.move_to_closing(session.id)
            sessions.retire(session.id)


@contextmanager
def broken_door(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """The function that lets connections in fails."""
    with stage.broken(stage.stack.outputs.sessions.session_connection_function):
        query = {"action": "joinSession", "sessionId": "no-such-session", "targetLanguage": "de"}
        assert min(refused(stage, **query) for _ in range(6)) >= 500
        yield


def stir(stage: Stage) -> None:
    """A new row in the connections table, for whoever reads its stream."""
    store(stage).put_connection(lonely_listener())
