"""A function's process that dies by SIGKILL at its n-th call to AWS: `python -m tests.support.doomed MODULE N WHEN`.

The event comes on stdin, the function's variables in the environment. `before` dies instead of the call, `after` once
its answer is there, so that it took effect. Every call of every client counts, each try of it, in the order in which
the process makes them. A process that makes fewer than N calls ends by itself and prints how many it made.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import Any

from lambdas.adapters import aws


class Gate:
    """Counts calls and ends the process at the fatal one."""

    def __init__(self, fatal: int, when: str) -> None:
        self.calls = 0
        self._fatal = fatal
        self._when = when
        self._answers = 0
        self._lock = threading.Lock()

    def before(self, **_: Any) -> None:
        """A call is about to leave."""
        with self._lock:
            self.calls += 1
            if self._when == "before" and self.calls == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def after(self, **_: Any) -> None:
        """An answer has come."""
        with self._lock:
            self._answers += 1
            if self._when == "after" and self._answers == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def main(module: str, fatal: str, when: str) -> None:
    """Run the function once on the event."""
    gate = Gate(int(fatal), when)
    session = aws._session()
    session.register("before-send", gate.before)
    session.register("response-received", gate.after)
    handler = importlib.import_module(f"lambdas.{module}.handler").handler
    handler(json.load(sys.stdin), SimpleNamespace(aws_request_id=f"doomed-{when}-{fatal}-{os.getpid()}"))
    print(f"\ncalls {gate.calls}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
