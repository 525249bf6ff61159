"""One AWS service that is answered here instead of by ministack: decode, ask IAM, do, encode."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from localcloud.wire import Response, Service, ServiceError

Params = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[[Params], Answer | Awaitable[Answer]]
Authorize = Callable[[str, str], None]
"""Asks IAM about (action, resource ARN); raises `ServiceError` when it is denied."""


class SimulatedService:
    """The operations of one service by AWS's names; any other is refused with a sentence.

    `resources` names the ARNs that IAM is asked about for an operation and its parameters; `unknown` holds the members
    that the service's ValidationException has beside its message.
    """

    def __init__(
        self,
        service: Service,
        operations: Mapping[str, Operation],
        resources: Callable[[str, Params], Sequence[str]],
        *,
        unknown: Mapping[str, Any] | None = None,
    ) -> None:
        self._service = service
        self._operations = operations
        self._resources = resources
        self._unknown = unknown or {}

    @property
    def signing_name(self) -> str:
        """The service part of the credential scope of requests for this service."""
        return self._service.signing_name

    def serves(self, method: str, path: str) -> bool:
        """Whether a request signed for this service is answered here."""
        return True

    async def respond(
        self,
        *,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
        authorize: Authorize,
    ) -> Response:
        """Answer one request."""
        operation = ""
        try:
            operation = self._service.operation_of(method, path, headers)
            params = self._service.decode(operation, path, query, body).params
            for resource in self._resources(operation, params):
                authorize(f"{self.signing_name}:{operation}", resource)
            if operation not in self._operations:
                raise ServiceError(
                    "ValidationException", f"the embedded carrier does not simulate {operation}", **self._unknown
                )
            answer = self._operations[operation](params)
            if inspect.isawaitable(answer):
                answer = await answer
            return self._service.encode(operation, answer)
        except ServiceError as error:
            return self._service.encode_error(error, operation)
