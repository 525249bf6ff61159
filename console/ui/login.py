"""The command that renews expired credentials, run on the console's own terminal."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from console.domain import ConsoleError, ProblemKind


def program_of(command: str) -> list[str]:
    """The command's words, its program by its path; raises `ConsoleError` where that is not installed."""
    words = shlex.split(command)
    program = shutil.which(words[0])
    if program is None:
        raise ConsoleError(ProblemKind.NOT_FOUND, f"{words[0]} is not installed here", f"run elsewhere: {command}")
    return [program, *words[1:]]


def run(words: list[str]) -> str:
    """Run it; how it failed, empty where it did not."""
    name = Path(words[0]).name
    try:
        code = subprocess.run(words, check=False).returncode
    except OSError as error:
        return f"{name} cannot be run: {error.strerror}"
    return f"{name} ended with exit code {code}" if code else ""
