"""The preview's child process: `python -m localcloud.preview` in the project's directory, followed to its end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.services.child import Child
from console.text import safe_line

COMMAND: tuple[str, ...] = (sys.executable, "-m", "localcloud.preview")


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
    child = Child("the preview", [*command, *asked.arguments()], directory)
    try:
        document = _follow(child, progress)
        if document is None:
            raise ConsoleError(
                ProblemKind.UNEXPECTED,
                f"the preview ended without an answer{child.last_words()}",
                "is this the project's directory, of a revision that has `localcloud/preview`?",
            )
        return document
    finally:
        child.stop()


def _follow(child: Child, progress: Callable[[str], None]) -> dict[str, Any] | None:
    for raw in child.lines:
        event = child.event(raw)
        kind = event.get("event")
        if kind == "progress":
            progress(safe_line(event.get("detail", ""), 100))
        elif kind == "preview" and isinstance(document := event.get("document"), dict):
            return document
        elif kind == "error":
            raise ConsoleError(ProblemKind.BAD_INPUT, safe_line(event.get("message", ""), 600))
    return None
