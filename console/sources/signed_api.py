"""A stack's HTTP API, IAM-signed: the request is built first, then its exact bytes and final URL are signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from console.domain import ConsoleError, ProblemKind
from console.sources.clients import CONNECT_SECONDS, Clients, require_loopback
from console.text import safe_line

SERVICE = "execute-api"
CALL = f"{SERVICE}:Invoke"
READ_SECONDS = 20
ATTEMPTS = 2
GATEWAY_STATUSES = frozenset({502, 503, 504})
"""API Gateway's own words where the function did not answer, or not as it should: it may have done what was asked (API
Gateway developer guide, "Gateway response types")."""
SKEW_SECONDS = 300.0
"""SigV4 refuses requests further off than five minutes (IAM user guide, "Troubleshoot signed requests")."""
VERSION_CHANGED = "version_changed"
"""The API's code for a change under a version that is no longer current."""


class SignedApi:
    """Calls one API. `now` is the epoch second, `wait` sleeps; both injected for tests."""

    def __init__(
        self,
        url: str,
        clients: Clients,
        now: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        if clients.target.is_local:
            _require_loopback_api(url)
        elif urlsplit(url).scheme != "https":
            raise ConsoleError(ProblemKind.BAD_ANSWER, f"the API's address {safe_line(url, 120)} is not https")
        self._url = url.rstrip("/")
        self._clients = clients
        self._now = now
        self._wait = wait
        self._http: Any = None

    def call(
        self, method: str, path: str, document: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer's JSON object; raises `ConsoleError` with the API's own sentence. A call whose answer is lost is
        made once more."""
        if method != "GET":
            self._clients.require_account()
        data = b"" if document is None else json.dumps(document, separators=(",", ":")).encode()
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._once(method, path, data, headers or {})
            except Exception as error:
                if last or not _is_transport(error):
                    raise
            else:
                if response.status_code < 500 or last:
                    return self._answer(response)
            self._wait(0.5)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Any:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session

        if self._http is None:
            self._http = URLLib3Session(
                proxies={} if self._clients.target.is_local else None, timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
        request = AWSRequest(method=method, url=self._url + path, data=data, headers=dict(headers))
        if data:
            request.headers["Content-Type"] = "application/json"
        SigV4Auth(self._clients.credentials(), SERVICE, self._clients.target.region).add_auth(request)
        self._clients.meter.count(CALL)
        with self._clients.calls.timed(CALL) as errors:
            response = self._http.send(request.prepare())
            if response.status_code >= 400:
                errors.append(str(response.status_code))
        return response

    def _answer(self, response: Any) -> dict[str, Any]:
        status = int(response.status_code)
        try:
            document = json.loads(response.content or b"{}")
        except ValueError:
            document = None
        if 200 <= status < 300:
            if isinstance(document, dict):
                return document
            raise ConsoleError(
                ProblemKind.BAD_ANSWER,
                f"the campaign API answered {status} with something that is no JSON object",
                f"is {self._url} really the campaign API?",
            )
        raise self._refusal(status, document, response.headers)

    def _refusal(self, status: int, document: object, headers: Mapping[str, str]) -> ConsoleError:
        message = _message(document)
        skew = self._skew(headers)
        if status in (401, 403) and skew is not None and abs(skew) > SKEW_SECONDS:
            way = "ahead of" if skew > 0 else "behind"
            return ConsoleError(
                ProblemKind.CLOCK_SKEW,
                f"this machine's clock is {abs(skew):.0f} s {way} the API's, so signatures are refused",
                "set it right, for example `timedatectl set-ntp true`",
            )
        if status in (401, 403):
            return ConsoleError(
                ProblemKind.FORBIDDEN,
                f"the campaign API refused this identity ({status}{': ' + message if message else ''})",
                "it needs execute-api:Invoke on the API; check --profile",
            )
        if status == 404:
            if _code(document):
                return ConsoleError(ProblemKind.NOT_FOUND, message)
            return ConsoleError(
                ProblemKind.NOT_FOUND,
                "the campaign API of this stack has no such call",
                "is the stack of the same version as this console?",
            )
        if status == 409:
            kind = ProblemKind.CHANGED if _code(document) == VERSION_CHANGED else ProblemKind.CONFLICT
            return ConsoleError(kind, message or "the campaign API reports a conflict")
        if status == 429:
            return ConsoleError(ProblemKind.THROTTLED, "the campaign API throttles", "wait a moment and ask again")
        if 400 <= status < 500:
            return ConsoleError(ProblemKind.BAD_INPUT, message or f"the campaign API answered {status}")
        if status == 503 and _code(document):
            return ConsoleError(ProblemKind.THROTTLED, message)
        if status in GATEWAY_STATUSES:
            return ConsoleError(
                ProblemKind.TIMED_OUT,
                f"the campaign API's function did not answer ({status}{': ' + message if message else ''})",
                "ask again",
            )
        return ConsoleError(
            ProblemKind.UNEXPECTED,
            f"the campaign API failed ({status}{': ' + message if message else ''})",
            "look at the alarms and the log of the campaign_api function",
        )

    def _skew(self, headers: Mapping[str, str]) -> float | None:
        """Seconds by which our clock is ahead of the answer's Date header."""
        try:
            return self._now() - parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return None


def _require_loopback_api(url: str) -> None:
    parts = urlsplit(url)
    require_loopback(f"{parts.scheme}://{parts.netloc}")


def _is_transport(error: BaseException) -> bool:
    from botocore.exceptions import HTTPClientError

    return isinstance(error, HTTPClientError)


def _message(document: object) -> str:
    """The API's own sentence, or API Gateway's."""
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, dict):
            return safe_line(error.get("message", ""), 400)
        return safe_line(document.get("message") or document.get("Message") or "", 400)
    return ""


def _code(document: object) -> str:
    error = document.get("error") if isinstance(document, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""
