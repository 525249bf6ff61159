"""One structured line per event worth reading; numbers and addresses of people never get into a log."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from lambdas.core.environment import FunctionEnvironment
from lambdas.core.metrics import Datum, emf_lines
from lambdas.core.redaction import mask_addresses

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Log:
    """Writes JSON lines to stdout, which is what Lambda ships to the function's log group."""

    def __init__(self, settings: FunctionEnvironment) -> None:
        self._settings = settings
        self._threshold = LEVELS.index(settings.log_level) if settings.log_level in LEVELS else 1
        self._about: dict[str, Any] = {}
        self._began = 0.0

    def begin(self, *, correlation_id: str, operation: str) -> None:
        """From now on each line says when it was written, what it belongs to and how long that has taken.

        An execution environment works on one invocation at a time, so this holds for whatever writes to this log.
        """
        self._about = {"correlation_id": correlation_id, "operation": operation}
        self._began = time.monotonic()

    def line(self, level: str, event: str, **fields: Any) -> None:
        """Log `event` with its fields; texts are masked, however deep they lie."""
        if LEVELS.index(level) < self._threshold:
            return
        document = {
            "level": level,
            "event": event,
            "function": self._settings.FUNCTION,
            "stack": self._settings.stack,
            **self._context(),
            **{name: _masked(value) for name, value in fields.items()},
        }
        _write(json.dumps(document, separators=(",", ":")))

    def _context(self) -> dict[str, Any]:
        if not self._about:
            return {}
        return {
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            **self._about,
            "duration_ms": round((time.monotonic() - self._began) * 1000, 1),
        }

    def metrics(self, data: Iterable[Datum]) -> None:
        """Publish observations as embedded-metric lines."""
        lines = emf_lines(data, stack=self._settings.stack, at_ms=time.time_ns() // 1_000_000)
        if lines:
            _write("\n".join(lines))


def _write(lines: str) -> None:
    """Write whole lines at once: between two writes another thread's line would get into the middle."""
    sys.stdout.write(f"{lines}\n")
    sys.stdout.flush()


def _masked(value: Any) -> Any:
    """A field as JSON takes it, without addresses."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_masked(str(name)): _masked(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(each) for each in value]
    return mask_addresses(str(value))
