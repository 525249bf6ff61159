"""Moving on: by a refresh token the next connection of a member takes over from the one before, its place included.

A connection has one live token and one successor at a time, and a listener's place is handed on whole: so nobody is in
a session twice for having joined once, and nobody else can get a place while it is handed on.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple, Protocol, Self

from lambdas.core.session import Connection, hashed
from lambdas.core.session_envelopes import refresh_token_issued
from lambdas.core.session_errors import NOT_CONNECTED, Refusal, SessionError
from lambdas.core.session_ports import Admission, SessionStore

REFRESH_TOKEN_SECONDS = 60
"""How long a refresh token may be used, once."""

_NOT_NOW = Refusal(
    SessionError.BAD_REQUEST,
    "a connection moves on between its greeting and its move; wait for the greeting, or ask on the next connection",
)


class RefreshToken(NamedTuple):
    """The right to take over from a connection; as text it is fit for a query string."""

    connection_id: str
    secret: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What a client has shown, None for what is none."""
        name, _, secret = text.partition(".")
        try:
            connection_id = base64.b64decode(name + "=" * (-len(name) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        return cls(connection_id, secret) if connection_id and secret else None

    @property
    def text(self) -> str:
        """What a client is told."""
        return f"{base64.urlsafe_b64encode(self.connection_id.encode()).decode().rstrip('=')}.{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return hashed(self.secret)


class Rows(Protocol):
    """The part of the session store that issuing needs."""

    def connection(self, connection_id: str) -> Connection | None:
        """One row, as it is now."""

    def put_refresh_token(self, connection_id: str, digest: str, expires_s: int) -> bool:
        """Keep a connection's token over an older one; False unless it is a speaker's or counted."""


def issue(rows: Rows, connection_id: str, secret: str, now_ms: int) -> dict[str, Any] | Refusal:
    """Answer a connection that wants to move on; its earlier token is no longer good."""
    if rows.connection(connection_id) is None:
        return NOT_CONNECTED
    token = RefreshToken(connection_id, secret)
    if not rows.put_refresh_token(connection_id, token.digest, now_ms // 1000 + REFRESH_TOKEN_SECONDS):
        return _NOT_NOW
    return refresh_token_issued(token.text, REFRESH_TOKEN_SECONDS)


def take_place(store: SessionStore, connection: Connection, max_listeners: int, now_ms: int) -> Admission | None:
    """Give a listener the place of the connection that it replaces; None if the claim to it is lost.

    Where that one is gone and its place given back, the listener takes a new one, if there is room.
    """
    store.touch(connection.session_id, now_ms)
    if connection.replaces is not None and store.hand_on(connection.replaces, connection.id):
        return Admission.ADMITTED
    if _is_counted(store, connection.id):
        return Admission.ADMITTED
    if connection.replaces is not None and store.connection(connection.replaces) is not None:
        return None
    admission = store.admit(connection.session_id, max_listeners, now_ms)
    if admission is Admission.ADMITTED and not store.mark_counted(connection.id):
        store.dismiss(connection.session_id, 1, now_ms)
        return Admission.ADMITTED if _is_counted(store, connection.id) else None
    return admission


def _is_counted(store: SessionStore, connection_id: str) -> bool:
    """Another delivery of the same record may have been faster."""
    row = store.connection(connection_id)
    return row is not None and row.counted


def undo_move(store: SessionStore, connection: Connection, now_ms: int) -> None:
    """Leave a listener where it was, whose next connection cannot be reached."""
    if connection.replaces is not None:
        store.touch(connection.session_id, now_ms)
        store.hand_back(connection.id, connection.replaces)
