"""A wish to stop: work under way ends at a point where nothing is half done. Ctrl-C is one; a second one ends it at
once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Stop:
    """`wished` once somebody wants the work to end; may be asked and wished from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wish(self) -> None:
        """End at the next good point."""
        self._event.set()

    @property
    def wished(self) -> bool:
        """Whether somebody wants it to end."""
        return self._event.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep, until then or until the wish."""
        self._event.wait(max(0.0, seconds))


class Interrupts(Stop):
    """While entered, the first SIGINT is the wish and is told to nobody else. For the main thread."""

    def __init__(self) -> None:
        super().__init__()
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wish()
