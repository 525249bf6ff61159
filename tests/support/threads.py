"""What other threads do, waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    ready = threading.Event()
    for _ in range(5_000):
        if condition():
            return
        ready.wait(0.001)
    raise AssertionError("it did not happen")
