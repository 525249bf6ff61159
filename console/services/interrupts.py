"""Ctrl-C as a wish: work under way ends at a point where nothing is half done; a second one ends it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """While entered, the first SIGINT sets `wished` and is told to nobody else. For the main thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._wish)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _wish(self, number: int, frame: FrameType | None) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()

    @property
    def wished(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._event.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep, until then or until Ctrl-C."""
        self._event.wait(max(0.0, seconds))
