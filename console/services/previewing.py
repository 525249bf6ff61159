"""The preview's child process: `python -m localcloud.preview` in the project's directory, followed to its end."""

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
from typing import IO, Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

COMMAND: tuple[str, ...] = (sys.executable, "-m", "localcloud.preview")
STOP_SECONDS = 8.0
TALK_LINES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What to preview: the stack's name, and optionally a revision and a file of usage figures."""

    stack: str
    against: str | None = None
    usage: Path | None = None

    def arguments(self) -> list[str]:
        """For the child's command line; a value that starts with a dash stays a value."""
        given = [f"--stack={self.stack}"]
        given += [] if self.against is None else [f"--against={self.against}"]
        given += [] if self.usage is None else [f"--usage={self.usage}"]
        return given


def require_deploy_extra() -> None:
    """Raise one sentence with the remedy where programs cannot be evaluated."""
    if find_spec("pulumi") is None:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            "the program cannot be evaluated here (pulumi is missing)",
            "install it with `pip install 'cpaas[local]'`",
        )


def preview(
    asked: Asked, directory: Path, progress: Callable[[str], None], command: Sequence[str] = COMMAND
) -> dict[str, Any]:
    """The preview's document for the program in `directory`; raises `ConsoleError` with the child's own words.

    Whatever ends this call ends the child, and the child removes what it made.
    """
    process = subprocess.Popen(
        [*command, *asked.arguments()],
        cwd=directory,
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
    talk: deque[str] = deque(maxlen=TALK_LINES)
    listener = threading.Thread(target=_listen, args=(process.stderr, talk), name="preview-talk", daemon=True)
    listener.start()
    try:
        document = _follow(process.stdout, progress)
        if document is None:
            listener.join(STOP_SECONDS)
            words = f": {talk[-1]}" if talk else ""
            raise ConsoleError(
                ProblemKind.UNEXPECTED,
                f"the preview ended without an answer{words}",
                "is this the project's directory, of a revision that has `localcloud/preview`?",
            )
        return document
    finally:
        _stop(process)


def _follow(lines: IO[str], progress: Callable[[str], None]) -> dict[str, Any] | None:
    for raw in lines:
        event = _event(raw)
        kind = event.get("event")
        if kind == "progress":
            progress(safe_line(event.get("detail", ""), 100))
        elif kind == "preview" and isinstance(document := event.get("document"), dict):
            return document
        elif kind == "error":
            raise ConsoleError(ProblemKind.BAD_INPUT, safe_line(event.get("message", ""), 600))
    return None


def _event(raw: str) -> dict[str, Any]:
    try:
        event = json.loads(raw)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ConsoleError(
            ProblemKind.BAD_ANSWER, f"the preview said something that is no event: {safe_line(raw, 120)}"
        )
    return event


def _listen(talk: IO[str], into: deque[str]) -> None:
    for line in talk:
        if line.strip():
            into.append(safe_line(line, 300))


def _stop(process: subprocess.Popen[str]) -> None:
    """It ends when its stdin does, and its own children with it; the whole group is killed when it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
