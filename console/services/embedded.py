"""The embedded cloud as a child process: started, followed while it provisions, stopped with the console.

It is a process of its own (`python -m localcloud`), so that the bare console installs without it. Protocol: one JSON
object per line on its stdout; it ends when its stdin does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

COMMAND: tuple[str, ...] = (sys.executable, "-m", "localcloud", "--json", "--parent-pipe", "--port", "0")
NEEDED = ("localcloud", "ministack", "pulumi")
STOP_SECONDS = 8.0
TALK_LINES = 20


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
        self._process: subprocess.Popen[str] | None = None
        self._talk: deque[str] = deque(maxlen=TALK_LINES)
        self._lock = threading.Lock()

    def start(self, progress: Callable[[str], None]) -> Ready:
        """Start the child and follow it; raises `ConsoleError` with its own words when it fails."""
        with self._lock:
            self._process = process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        assert process.stdout is not None
        assert process.stderr is not None
        threading.Thread(target=self._listen, args=(process.stderr,), name="embedded-talk", daemon=True).start()
        try:
            ready = self._follow(process.stdout, progress)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=_drain, args=(process.stdout,), name="embedded-data", daemon=True).start()
        return ready

    def stop(self) -> None:
        """Ask it to end by closing its stdin; kill its process group when it does not."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended already
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        process = self._process
        return process is not None and process.poll() is None

    def _follow(self, lines: IO[str], progress: Callable[[str], None]) -> Ready:
        for raw in lines:
            event = _event(raw)
            kind = event.get("event")
            if kind == "progress":
                progress(_step(event))
            elif kind == "ready":
                return _ready(event)
            elif kind == "error":
                raise ConsoleError(
                    ProblemKind.UNEXPECTED, f"the embedded cloud failed: {safe_line(event.get('message', ''), 400)}"
                )
        words = f": {self._talk[-1]}" if self._talk else ""
        raise ConsoleError(
            ProblemKind.UNEXPECTED,
            f"the embedded cloud ended before it was ready{words}",
            "`cpaas-local` on its own shows all it says",
        )

    def _listen(self, talk: IO[str]) -> None:
        for line in talk:
            if line.strip():
                self._talk.append(safe_line(line, 300))


def _drain(lines: IO[str]) -> None:
    """Read on, so that a talkative child never blocks on a full pipe."""
    for _ in lines:
        pass


def _event(raw: str) -> dict[str, object]:
    try:
        event = json.loads(raw)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ConsoleError(
            ProblemKind.BAD_ANSWER,
            f"the embedded cloud said something that is no event: {safe_line(raw, 120)}",
            "is localcloud of the same version as this console?",
        )
    return event


def _step(event: dict[str, object]) -> str:
    done, total = event.get("done"), event.get("total")
    count = f" {done}/{total}" if done is not None and total is not None else ""
    return safe_line(f"{event.get('stage', '')}{count} {event.get('detail') or ''}", 100).strip()


def _ready(event: dict[str, object]) -> Ready:
    endpoint, outputs = event.get("endpoint_url"), event.get("outputs_file")
    if not isinstance(endpoint, str) or not isinstance(outputs, str):
        raise ConsoleError(ProblemKind.BAD_ANSWER, "the embedded cloud is ready but names no endpoint or outputs file")
    return Ready(endpoint, Path(outputs))
