"""Faults between a function and AWS: calls that are throttled before they count, and answers that are lost after it."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"injected"}'
STUBBORN = 0.1
"""Share of the faults that outlast every try of their call, so that they reach the function."""


class Faults:
    """Injects faults into the calls of one botocore session; `injected` counts them by kind.

    `rate` is the share of calls that meet one, half of them throttles, half timeouts after the call took effect. The
    tries of one call are known by the invocation id that botocore repeats.
    """

    def __init__(self, rate: float, seed: str) -> None:
        self.injected: Counter[str] = Counter()
        self._rate = rate
        self._rnd = random.Random(seed)
        self._http = URLLib3Session(max_pool_connections=50)
        self._stubborn: dict[bytes, str] = {}
        self._lock = threading.Lock()

    def install(self, session: botocore.session.Session) -> None:
        """Act on the clients that the session makes from now on."""
        session.register("before-send.dynamodb", self._before_send)

    def spoil(self, client: Any) -> None:
        """Act on one client that is there already."""
        client.meta.events.register("before-send.dynamodb", self._before_send)

    def _before_send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        fault = self._draw(request.headers.get("amz-sdk-invocation-id"))
        if fault == "throttle":
            return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, _Raw(THROTTLED))
        if fault == "timeout":
            self._http.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return None

    def _draw(self, call: bytes | str | None) -> str | None:
        key = call.encode() if isinstance(call, str) else call or b""
        with self._lock:
            fault = self._stubborn.get(key)
            if fault is None and self._rnd.random() < self._rate:
                fault = self._rnd.choice(("throttle", "timeout"))
                if self._rnd.random() < STUBBORN:
                    self._stubborn[key] = fault
                    self.injected["stubborn"] += 1
            if fault is not None:
                self.injected[fault] += 1
        return fault


class _Raw:
    """The body of an answer that nobody sent."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


@contextmanager
def short_pauses(share: float = 0.02) -> Iterator[None]:
    """Let botocore wait only a share of its back-off between tries."""
    real = botocore.endpoint.time.sleep
    with mock.patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: real(seconds * share))):
        yield
