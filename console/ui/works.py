"""What is being done to the stack or to a file, and must not be ended in the middle: writes, redrives, exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from console.services.runner import Job


def _ends_by_itself() -> None:
    return None


@dataclass(slots=True, eq=False)
class Work:
    """`what` is under way as `job`; `stop` asks it to end at its next good point.

    `told` is called with the job once it has ended, for whoever no longer waits for it. A call that is past its
    deadline has not ended: it may still write.
    """

    what: str
    job: Job[Any]
    stop: Callable[[], None] = _ends_by_itself
    told: Callable[[Job[Any]], None] | None = None


class Works:
    """All of it; the application calls `tick` at each beat."""

    def __init__(self) -> None:
        self._all: list[Work] = []

    def begin(self, what: str, job: Job[Any], stop: Callable[[], None] = _ends_by_itself) -> Work:
        """Keep in mind what has just been started."""
        work = Work(what, job, stop)
        self._all.append(work)
        return work

    @property
    def out(self) -> Sequence[Work]:
        """What has not ended yet."""
        return [work for work in self._all if not work.job.ended]

    def tick(self) -> None:
        """Forget what has ended, and tell those who have left it alone."""
        ended = [work for work in self._all if work.job.ended]
        self._all = [work for work in self._all if work not in ended]
        for work in ended:
            if work.told is not None:
                work.told(work.job)

    def stop(self) -> None:
        """Let all of it end as soon as nothing is half done."""
        for work in self.out:
            work.stop()
