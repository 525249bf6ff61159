"""Reads a user pool's JWK set over HTTPS: one address, one short GET, nothing followed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from urllib.parse import urlsplit

from lambdas.adapters.loopback import is_loopback
from lambdas.core.jwks import JwksError

DEADLINE_S = 3.0
"""For everything, from looking the name up to the last byte: a client waits for its handshake, and a function that runs
into its own time-out is started anew without the keys it knew."""
TIMEOUT_S = 2.5
"""For connecting to one of the name's addresses, and for each wait on the answer."""
MOST_BYTES = 65_536
"""Longest document that is read; Cognito's has two keys in 1 KB."""
_CHUNK_BYTES = 16_384


class InsecureAddressError(ValueError):
    """Keys would be read from where anybody on the way could replace them."""


class JwksDocument:
    """The document at one address: `https`, or this machine without it in the environment `local`.

    Raises `InsecureAddressError` for any other. Proxies of the environment and redirects are not followed.
    """

    def __init__(self, url: str, *, environment: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(url)
        plain = environment == "local" and parts.scheme == "http" and is_loopback(url)
        if not (plain or parts.scheme == "https") or not parts.hostname or parts.username is not None:
            raise InsecureAddressError(
                f"the user pool's keys cannot be read from {url}: JWKS_URL must be https://"
                "cognito-idp.<region>.amazonaws.com/<user pool>/.well-known/jwks.json"
            )
        self._host, self._port = parts.hostname, parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = None if plain else ssl.create_default_context()
        self._monotonic = monotonic

    def read(self) -> bytes:
        """The document; raises `JwksError` when there is none, or it is too long or too slow.

        It is read in a thread of its own, because looking a name up can neither be bounded nor broken off.
        """
        connection, document = self._connection(), Future[bytes]()
        ends = self._monotonic() + DEADLINE_S
        threading.Thread(target=self._deliver, args=(connection, ends, document), daemon=True).start()
        try:
            return document.result(DEADLINE_S)
        except TimeoutError:
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)  # ends the thread's wait
            raise JwksError("too slow") from None

    def _deliver(self, connection: http.client.HTTPConnection, ends: float, document: Future[bytes]) -> None:
        try:
            document.set_result(self._read(connection, ends))
        except Exception as error:
            document.set_exception(error)
        finally:
            connection.close()

    def _read(self, connection: http.client.HTTPConnection, ends: float) -> bytes:
        try:
            connection.connect()
            self._in_time(ends)
            connection.request("GET", self._target, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise JwksError(f"answered with {answer.status}")
            return self._bounded(answer, ends)
        except (OSError, http.client.HTTPException) as error:
            raise JwksError(f"not reachable ({type(error).__name__})") from error

    def _in_time(self, ends: float) -> None:
        if self._monotonic() > ends:
            raise JwksError("too slow")

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=self._tls)

    def _bounded(self, answer: http.client.HTTPResponse, ends: float) -> bytes:
        document = b""
        while chunk := answer.read1(_CHUNK_BYTES):
            document += chunk
            if len(document) > MOST_BYTES:
                raise JwksError(f"longer than {MOST_BYTES} bytes")
            self._in_time(ends)
        return document
