"""The console as a process of its own, without a terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from console.exit_codes import ExitCode

CONSOLE = [sys.executable, "-m", "console.cli"]
START_SECONDS = 90.0
PATIENCE_SECONDS = 60.0


def hearing_ctrl_c() -> None:
    """For `preexec_fn`: whoever is started in the background of a shell inherits that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run([*CONSOLE, *arguments], capture_output=True, text=True, timeout=110, check=False)


def answer(*arguments: str, code: ExitCode = ExitCode.OK) -> Any:
    """The JSON document that a command prints when it ends as expected."""
    done = command(*arguments, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def until(met: Callable[[], bool], what: str) -> None:
    """Wait until `met`."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not met():
        assert time.monotonic() < end, f"not within {PATIENCE_SECONDS:g} s: {what}"
        time.sleep(0.1)
