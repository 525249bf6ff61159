"""A child process that answers one JSON object per line on stdout, talks on stderr, and ends when its stdin does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

STOP_SECONDS = 8.0
TALK_LINES = 20


class Child:
    """One child in a session of its own, started at once; `name` is what messages call it, as in "the preview"."""

    def __init__(self, name: str, command: Sequence[str], directory: Path | None = None) -> None:
        self._name = name
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.lines: IO[str] = self.process.stdout
        self._talk: deque[str] = deque(maxlen=TALK_LINES)
        self._listener = threading.Thread(target=self._listen, name=f"{name}: talk", daemon=True)
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def event(self, raw: str, remedy: str = "") -> dict[str, Any]:
        """A line of its stdout; raises `ConsoleError` where that is no JSON object."""
        try:
            event = json.loads(raw)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise ConsoleError(
                ProblemKind.BAD_ANSWER, f"{self._name} said something that is no event: {safe_line(raw, 120)}", remedy
            )
        return event

    def last_words(self) -> str:
        """`: ` and the last line of its stderr once its stdout has ended; empty if it said nothing."""
        self._listener.join(STOP_SECONDS)
        return f": {self._talk[-1]}" if self._talk else ""

    def stop(self) -> None:
        """Ask it to end by closing its stdin; kill its process group when it does not."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.strip():
                self._talk.append(safe_line(line, 300))
