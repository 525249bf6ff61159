"""What every verb of the API takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class ApiError(Exception):
    """A request that is answered with an error, which may pass within `retry_after_s` seconds."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        self.body = {"error": {"code": code, "message": message, **details}}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code, a JSON body and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Caller(NamedTuple):
    """Who asks, and the `Idempotency-Key` header."""

    identity: str
    idempotency_key: str | None


def caller_identity(arn: str) -> str:
    """Who a caller is, whichever session it is in: `.../assumed-role/app/session-7` and `.../session-8` are one."""
    role, separator, rest = arn.partition(":assumed-role/")
    return f"{role}{separator}{rest.partition('/')[0]}" if separator else arn
