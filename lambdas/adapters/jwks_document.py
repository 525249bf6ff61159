"""Reads a user pool's JWK set over HTTPS: one address, one short GET, nothing followed."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from lambdas.adapters.loopback import is_loopback
from lambdas.core.jwks import JwksError

TIMEOUT_S = 2.5
"""For connecting, for each wait on the answer, and for all of the answer: a client waits for its handshake."""
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
        """The document; raises `JwksError` when there is none, or it is too long or too slow."""
        connection = self._connection()
        try:
            connection.request("GET", self._target, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise JwksError(f"answered with {answer.status}")
            return self._bounded(answer)
        except (OSError, http.client.HTTPException) as error:
            raise JwksError(f"not reachable ({type(error).__name__})") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=self._tls)

    def _bounded(self, answer: http.client.HTTPResponse) -> bytes:
        document, ends = b"", self._monotonic() + TIMEOUT_S
        while chunk := answer.read1(_CHUNK_BYTES):
            document += chunk
            if len(document) > MOST_BYTES:
                raise JwksError(f"longer than {MOST_BYTES} bytes")
            if self._monotonic() > ends:
                raise JwksError("too slow")
        return document
