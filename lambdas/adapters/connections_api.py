"""Posting to WebSocket connections: API Gateway's @connections, signed, over connections that are kept.

A broadcast to 500 listeners is made of 500 calls, and the CPU of each counts: a client of botocore takes 1.5 ms, its
HTTP session alone 0.8, the standard library's client 0.2.
"""

from __future__ import annotations

import http.client
import math
import os
import random
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from lambdas.adapters.aws import ConfigurationError
from lambdas.adapters.logs import Log
from lambdas.adapters.loopback import is_loopback
from lambdas.core.session_ports import Posted, PostError

WIDTH = 32
"""Calls at a time: a slow connection holds up one thread, not the others."""

TRIES = 3
"""Of a call whose refusal may pass. Everybody has had a first try before anybody has a second: a client that does not
read is refused with 429, and must not hold up those who do."""
RETRY_WAIT_S = 0.05
DEADLINE_S = 8.0
"""For one message to all its connections: ending a session takes two such rounds and the deletion of its rows, and API
Gateway waits 29 s for the function (API Gateway quotas, "WebSocket API")."""

TIMEOUT_S = 3.0
"""To connect, and to wait for an answer."""

WRAP_UP_S = 8.0
"""Of an invocation that is left when nothing more is posted: a call that is out ends within two `TIMEOUT_S`, and who is
gone is taken out of the tables."""

DONE, GONE, FAILED = 200, 410, 0
"""Statuses that mean something of their own; FAILED stands for no answer."""


class ConnectionsApi:
    """Implements `lambdas.core.session_ports.Posting` for one stage, by its address `https://.../prod`."""

    def __init__(self, url: str, log: Log, *, width: int = WIDTH) -> None:
        if os.environ.get("ENVIRONMENT") == "local" and not is_loopback(url):
            raise ConfigurationError(f"the environment is local but MANAGEMENT_URL={url} is not this machine")
        self._url = url.rstrip("/")
        self._log = log
        session = botocore.session.get_session()
        self._credentials = session.get_credentials()
        self._region = os.environ["AWS_REGION"]
        self._lines = threading.local()
        self._ends = math.inf
        # One for all connections: making it reads every certificate authority, 20 ms of CPU.
        self._tls = ssl.create_default_context() if urlsplit(url).scheme == "https" else None
        self._workers = ThreadPoolExecutor(width, "post")

    def begin(self, left_s: float) -> None:
        """From now on nothing is posted that would not end within `left_s`, the time that the function still has.

        An execution environment works on one invocation at a time, so this holds for whatever is posted.
        """
        self._ends = time.monotonic() + left_s - WRAP_UP_S

    def out_of_time(self) -> bool:
        """Whether the function has to end; never, if it did not say for how long it has."""
        return time.monotonic() > self._ends

    def post(self, connection_id: str, text: str) -> bool:
        """Send a message; False if the connection is gone. Raises `PostError`."""
        status = self._each("POST", [connection_id], text.encode())[connection_id]
        if status not in (DONE, GONE):
            raise PostError(f"API Gateway answered {status or 'nothing'} to a message for a connection")
        return status == DONE

    def post_all(self, connection_ids: Sequence[str], text: str) -> Posted:
        """Send one message to many at a time, each for itself.

        Who does not read stays connected and is `failed`: 429 says the same of a full buffer and of a call too many
        (PostToConnection, API reference), and closing all whom a busy minute refuses would bring them back at once. The
        next `sequence` shows the gap, and a replay fills it.
        """
        by: defaultdict[int, list[str]] = defaultdict(list)
        for connection_id, status in self._each("POST", connection_ids, text.encode()).items():
            by[status if status in (DONE, GONE) else FAILED].append(connection_id)
        return Posted(reached=by[DONE], gone=by[GONE], failed=by[FAILED])

    def close_all(self, connection_ids: Sequence[str]) -> None:
        """Close connections; those that are gone already are none of our business."""
        self._each("DELETE", connection_ids, b"")

    def _each(self, method: str, connection_ids: Sequence[str], data: bytes) -> dict[str, int]:
        """The last answer's status by connection; 0 if there was none before the deadline."""
        deadline = min(time.monotonic() + DEADLINE_S, self._ends)
        statuses: dict[str, int] = {}
        left = list(connection_ids)
        for attempt in range(TRIES):
            tried = self._workers.map(lambda one: self._call(method, one, data, deadline), left)
            statuses |= {one: status or statuses.get(one, FAILED) for one, status in zip(left, tried, strict=True)}
            left = [one for one in left if _passes(statuses[one])]
            if not left or attempt == TRIES - 1 or time.monotonic() > deadline:
                break
            time.sleep(RETRY_WAIT_S * 2**attempt * random.uniform(0.5, 1.5))
        if failed := Counter(str(status) for status in statuses.values() if status not in (DONE, GONE)):
            self._log.line("WARNING", "not posted", method=method, statuses=dict(failed), of=len(statuses))
        return statuses

    def _call(self, method: str, connection_id: str, data: bytes, deadline: float) -> int:
        """One try's status, DONE for any that says yes; 0 past the deadline."""
        if time.monotonic() > deadline:
            return FAILED
        status = self._send(method, f"{self._url}/@connections/{quote(connection_id, safe='')}", data)
        return DONE if status // 100 == 2 else status

    def _send(self, method: str, url: str, data: bytes) -> int:
        """One request; a broken connection counts as 503, but one that was kept for too long is opened again."""
        request: Any = AWSRequest(method=method, url=url, data=data)
        SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(request)
        line = self._line()
        for last in (line.sock is None, True):
            try:
                return _asked(line, method, url, data, request.headers)
            except (OSError, http.client.HTTPException) as error:
                line.close()  # the next request opens it again
                if last or isinstance(error, TimeoutError):
                    break
        return 503

    def _line(self) -> http.client.HTTPConnection:
        """This thread's own connection, opened when it is first used and kept."""
        line: http.client.HTTPConnection | None = getattr(self._lines, "line", None)
        if line is None:
            address = urlsplit(self._url)
            if self._tls is None:
                line = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_S)
            else:
                line = http.client.HTTPSConnection(address.netloc, timeout=TIMEOUT_S, context=self._tls)
            self._lines.line = line
        return line


def _asked(line: http.client.HTTPConnection, method: str, url: str, data: bytes, headers: Mapping[str, str]) -> int:
    line.request(method, urlsplit(url).path, data, dict(headers.items()))
    answer = line.getresponse()
    answer.read()
    return answer.status


def _passes(status: int) -> bool:
    """Whether another try may end otherwise."""
    return status >= 500 or status in (408, 429)
