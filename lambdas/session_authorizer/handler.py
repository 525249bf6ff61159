"""The authorizer of `$connect`: says who a speaker is, and lets everybody on who claims nothing.

Whether a token is needed is decided behind it, where the query is read: an authorizer with an identity source would
turn listeners away before any code runs. Nothing a stranger sends may raise here, for that would count as an error of
the function and ring its alarm.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.adapters.logs import Log
from lambdas.adapters.session_journal import Journal
from lambdas.core.id_token import Reason, Refused, Terms
from lambdas.core.metrics import CONNECTION_ERRORS, Datum
from lambdas.core.session import hashed
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_events import SPEAKER, SocketEvent
from lambdas.core.session_limits import LocalWindow, Operation
from lambdas.session_authorizer.settings import SessionAuthorizerSettings

if TYPE_CHECKING:
    from lambdas.session_authorizer.speakers import Speakers

SETTINGS = SessionAuthorizerSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ATTEMPTS = LocalWindow()
"""A token that is refused never reaches the function that counts attempts for all environments together."""

_TOO_OFTEN = Refusal(SessionError.RATE_LIMITED, "too many attempts; wait before the next one", Operation.ATTEMPT)


@functools.cache
def speakers() -> Speakers:
    """Made at the first token: most connections are listeners', and cryptography is most of a cold start."""
    from lambdas.adapters.jwks_document import JwksDocument
    from lambdas.core.jwks import KeyCache
    from lambdas.session_authorizer.speakers import Speakers

    document = JwksDocument(SETTINGS.jwks_url, environment=SETTINGS.environment)
    keys = KeyCache(document.read, time.time, lambda why: LOG.line("WARNING", "keys not refreshed", why=why))
    return Speakers(keys, Terms(SETTINGS.issuer, SETTINGS.audience), time.time)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one handshake with a policy for exactly the route that was asked for.

    The event's shape: API Gateway developer guide, "Control access to WebSocket APIs with AWS Lambda REQUEST
    authorizers".
    """
    tokens = (event.get("multiValueQueryStringParameters") or {}).get("token") or []
    if not tokens:
        return _answer(event, "Allow", "anybody")
    socket = SocketEvent.of(event)
    journal = Journal(LOG, socket)
    if not _within_limits(socket):
        journal.refused(_TOO_OFTEN)
        return _answer(event, "Deny", "nobody")
    try:
        if len(tokens) > 1:
            raise Refused(Reason.SEVERAL)
        speaker = speakers().bearer(tokens[0])
    except Refused as refused:
        _note(journal, refused.reason)
        return _answer(event, "Deny", "nobody")
    journal.line("INFO", "token accepted", speaker=hashed(speaker))
    return _answer(event, "Allow", "speaker", {SPEAKER: speaker})


def _within_limits(socket: SocketEvent) -> bool:
    limit, who = SETTINGS.attempts_per_minute, hashed(socket.source)
    return ATTEMPTS.allow(Operation.ATTEMPT, who, limit=limit, window_s=60, now_ms=socket.at_ms)


def _note(journal: Journal, reason: Reason) -> None:
    """Write down a refusal: as our own failure where there are no keys, for then nobody can say what the token is."""
    ours = reason is Reason.KEYS_UNAVAILABLE
    journal.line("ERROR" if ours else "INFO", "token refused", reason=reason.value)
    code = SessionError.UNAVAILABLE if ours else SessionError.TOKEN_REFUSED
    LOG.metrics([Datum(CONNECTION_ERRORS, 1, code.value)])


def _answer(
    event: Mapping[str, Any], effect: str, principal: str, context: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """An authorizer's answer (API Gateway developer guide, "Output from an API Gateway Lambda authorizer").

    The principal is a kind of caller, not a name: access logs show it.
    """
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context or {}),
    }
