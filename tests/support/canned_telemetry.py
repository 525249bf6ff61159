"""The console's telemetry over canned answers of AWS, which keep what was asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from console.sources.clients import Target
from console.sources.fake_outputs import fake_outputs
from console.sources.telemetry import AwsTelemetry
from lambdas.core.outputs import StackOutputs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


class Answers:
    """Canned clients: each operation gives its answers one after the other, and what was asked is kept."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.target = Target(region="us-east-1", endpoint_url="http://127.0.0.1:9", account_id="000000000000")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def client(self, service: str) -> Any:
        """Any service: operations are told apart by name."""
        return self

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.asked.append((operation, dict(request)))
            return self._answers[operation].pop(0)

        return call


def telemetry(outputs: StackOutputs | None = None, **answers: list[dict[str, Any]]) -> tuple[AwsTelemetry, Answers]:
    """The telemetry of a stack, and the clients behind it with their answers by operation."""
    clients = Answers(**answers)
    return AwsTelemetry(outputs or fake_outputs(), clients, lambda: NOW), clients  # type: ignore[arg-type]
