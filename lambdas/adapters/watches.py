"""Watches on the fallback queue."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.adapters.clock import now_ms
from lambdas.adapters.queues import Queue
from lambdas.core.watch import Watch, watches


class Watches:
    """Implements `lambdas.core.ports.WatchPort`."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def watch(self, message_ids: Sequence[str], due_ms: int) -> None:
        """Have the messages looked at when that time (epoch) has come; asking twice changes nothing."""
        put = watches(message_ids, due_ms)
        self._queue.send_all([each.to_json() for each in put], delay_s=Watch((), due_ms).delay_s(now_ms()))
