"""The embedded cloud as a child process: started, followed while it provisions, stopped with the console.

It is a process of its own (`python -m localcloud`), so that the bare console installs without it. Protocol: one JSON
object per line on its stdout; it ends when its stdin does.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from console.domain import ConsoleError, ProblemKind
from console.services.child import Child
from console.text import safe_line

COMMAND: tuple[str, ...] = (sys.executable, "-m", "localcloud", "--json", "--parent-pipe", "--port", "0")
NEEDED = ("localcloud", "ministack", "pulumi")


@dataclass(frozen=True, slots=True)
class Ready:
    """The child's answer when its stack is there."""

    endpoint_url: str
    outputs_file: Path


def require_local_extra() -> None:
    """Raise one sentence with the remedy where the embedded cloud is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"the embedded cloud is not installed here ({', '.join(missing)} missing)",
            "install it with `pip install 'cpaas[local]'`, or connect to AWS with --stack",
        )


class EmbeddedCloud:
    """One child; `start` blocks until it is ready or has failed, `stop` until it is gone."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._child: Child | None = None
        self._lock = threading.Lock()

    def start(self, progress: Callable[[str], None]) -> Ready:
        """Start the child and follow it; raises `ConsoleError` with its own words when it fails."""
        with self._lock:
            self._child = child = Child("the embedded cloud", self._command)
        try:
            ready = self._follow(child, progress)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=_drain, args=(child.lines,), name="embedded-data", daemon=True).start()
        return ready

    def stop(self) -> None:
        """Ask it to end by closing its stdin; kill its process group when it does not."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.stop()

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        child = self._child
        return child is not None and child.alive

    def _follow(self, child: Child, progress: Callable[[str], None]) -> Ready:
        for raw in child.lines:
            event = child.event(raw, "is localcloud of the same version as this console?")
            kind = event.get("event")
            if kind == "progress":
                progress(_step(event))
            elif kind == "ready":
                return _ready(event)
            elif kind == "error":
                raise ConsoleError(
                    ProblemKind.UNEXPECTED, f"the embedded cloud failed: {safe_line(event.get('message', ''), 400)}"
                )
        raise ConsoleError(
            ProblemKind.UNEXPECTED,
            f"the embedded cloud ended before it was ready{child.last_words()}",
            "`cpaas-local` on its own shows all it says",
        )


def _drain(lines: IO[str]) -> None:
    """Read on, so that a talkative child never blocks on a full pipe."""
    for _ in lines:
        pass


def _step(event: dict[str, object]) -> str:
    done, total = event.get("done"), event.get("total")
    count = f" {done}/{total}" if done is not None and total is not None else ""
    return safe_line(f"{event.get('stage', '')}{count} {event.get('detail') or ''}", 100).strip()


def _ready(event: dict[str, object]) -> Ready:
    endpoint, outputs = event.get("endpoint_url"), event.get("outputs_file")
    if not isinstance(endpoint, str) or not isinstance(outputs, str):
        raise ConsoleError(ProblemKind.BAD_ANSWER, "the embedded cloud is ready but names no endpoint or outputs file")
    return Ready(endpoint, Path(outputs))
