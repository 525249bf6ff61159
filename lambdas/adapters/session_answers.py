"""Answering clients: every handshake and every message has an answer, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters.logs import Log
from lambdas.adapters.session_journal import Journal
from lambdas.core.session import hashed
from lambdas.core.session_envelopes import answering, encoded
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_limits import ACTIONS_PER_MINUTE, LocalWindow
from lambdas.core.session_ports import PostError
from lambdas.core.session_requests import message

Answer = dict[str, Any] | Refusal

_ASKED = LocalWindow()
_SLOWER = "this is asked for too often; wait a minute"


def let_in(event: Mapping[str, Any], log: Log, connect: Callable[[SocketEvent], Refusal | None]) -> dict[str, Any]:
    """The result of `$connect`: a status of 200 lets the connection in, any other becomes the handshake's."""
    socket = SocketEvent.of(event)
    journal = Journal(log, socket)
    try:
        refusal = connect(socket)
    except (BotoCoreError, ClientError) as error:
        refusal = journal.unavailable(error)
    if refusal is not None:
        journal.refused(refusal)
        return refusal.handshake()
    journal.line("INFO", "let in")
    return {"statusCode": 200}


def answered(
    event: Mapping[str, Any], log: Log, answer: Callable[[SocketEvent, Mapping[str, Any]], Answer]
) -> dict[str, Any]:
    """The integration's result: its `body` goes back to the client where the route has a route response."""
    socket = SocketEvent.of(event)
    journal = Journal(log, socket)
    request = message(socket.body)
    if isinstance(request, Refusal):
        journal.refused(request)
        return _result(request.answer())
    given = _given(socket, request, journal, answer)
    if isinstance(given, Refusal):
        journal.refused(given)
        return _result(given.answer(request))
    journal.line("INFO", "answered", type=given["type"])
    return _result(answering(request, given))


def _given(
    socket: SocketEvent,
    request: Mapping[str, Any],
    journal: Journal,
    answer: Callable[[SocketEvent, Mapping[str, Any]], Answer],
) -> Answer:
    if not _within_limits(socket):
        return Refusal(SessionError.RATE_LIMITED, _SLOWER, socket.route)
    try:
        return answer(socket, request)
    except (BotoCoreError, ClientError, PostError) as error:
        return journal.unavailable(error)


def _within_limits(socket: SocketEvent) -> bool:
    limit = ACTIONS_PER_MINUTE.get(socket.route)
    who = hashed(socket.connection_id)
    return limit is None or _ASKED.allow(socket.route, who, limit=limit, window_s=60, now_ms=socket.at_ms)


def _result(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": encoded(told)}
