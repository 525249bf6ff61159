"""Deployments as people mean them: changes that lie close together in time are one rollout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.telemetry import Deployment

ROLLOUT_GAP = 900.0
"""Seconds without a change after which a rollout is over: an update of the whole stack takes a few minutes."""
NAMED = 3
"""So many are named, more are counted."""
_FUNCTION, _OUTPUTS = "function ", "outputs of "


@dataclass(frozen=True, slots=True)
class Rollout:
    """All that was changed from `started` to `at` (epoch seconds), newest first."""

    started: float
    at: float
    changes: tuple[Deployment, ...]

    def words(self) -> str:
        """What was changed in a few words: `release 0.2.0; code of outbox, sweeper; outputs of 5 components`."""
        release = next(
            (each.detail.rpartition("release ")[2] for each in self.changes if "release " in each.detail), ""
        )
        pieces = [f"release {release}"] if release else []
        for prefix, title, many in ((_FUNCTION, "code of ", "functions"), (_OUTPUTS, _OUTPUTS, "components")):
            names = dict.fromkeys(
                each.what.removeprefix(prefix) for each in self.changes if each.what.startswith(prefix)
            )
            if names:
                pieces.append(title + (", ".join(names) if len(names) <= NAMED else f"{len(names)} {many}"))
        return "; ".join(pieces)


def rollouts(deployments: Iterable[Deployment]) -> tuple[Rollout, ...]:
    """The rollouts that `deployments` belong to, newest first."""
    found: list[Rollout] = []
    for each in sorted(deployments, key=lambda each: each.at, reverse=True):
        if found and found[-1].started - each.at <= ROLLOUT_GAP:
            found[-1] = Rollout(each.at, found[-1].at, (*found[-1].changes, each))
        else:
            found.append(Rollout(each.at, each.at, (each,)))
    return tuple(found)


def last_before(found: Iterable[Rollout], at: float) -> Rollout | None:
    """The newest rollout that had begun by `at`."""
    return next((each for each in found if each.started <= at), None)
