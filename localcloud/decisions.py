"""What IAM decided about roles and users: every distinct question since the last `clear`, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator

KEPT = 50_000
"""Distinct decisions; objects of a bucket are resources of their own, so a long run has many."""


class DecisionsFull(ValueError):
    """More was asked than is kept: an incomplete record proves nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Decision:
    """One answer of IAM. `session` is who used the role (a function's own name), empty for a user."""

    principal: str
    session: str
    action: str
    resource: str
    allowed: bool


class Decisions:
    """A set of decisions. The account's root is not asked, so it is not recorded.

    A question that was asked before costs one look into a set; conditions count as IAM counted them, since only its
    verdict is kept.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._seen: set[tuple[str, str, str, bool]] = set()
        self._decisions: set[Decision] = set()
        self._overflowed = False

    def install(self) -> None:
        """Record every verdict of ministack's evaluator, those that our own services ask for included."""
        iam_evaluator.enforce = self._recording(iam_evaluator.enforce)

    def clear(self) -> None:
        """Start from nothing."""
        self._seen.clear()
        self._decisions.clear()
        self._overflowed = False

    def report(self) -> list[Decision]:
        """All decisions, sorted; raises `DecisionsFull`."""
        if self._overflowed:
            raise DecisionsFull(f"IAM answered more than {self._kept} different questions; forget them more often")
        return sorted(self._decisions)

    def _recording(self, enforce: Callable[..., Any]) -> Callable[..., Any]:
        def recording(
            access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*", **context: Any
        ) -> Any:
            denied = enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn, **context)
            # A caller that could not prove who it is asked nothing of a policy.
            if not isinstance(denied, iam_evaluator.AuthError):
                self._note(access_key_id, iam_action, resource_arn, denied is None)
            return denied

        return recording

    def _note(self, access_key_id: str, action: str, resource: str, allowed: bool) -> None:
        question = (access_key_id, action, resource, allowed)
        if question in self._seen or iam_evaluator.is_root_access_key(access_key_id):
            return
        if len(self._seen) >= self._kept:
            self._overflowed = True
            return
        self._seen.add(question)
        identity = iam_evaluator.resolve_caller_identity(access_key_id) or {}
        kind, _, rest = identity.get("userArn", "").rpartition(":")[2].partition("/")
        if kind == "assumed-role":
            name, _, session = rest.partition("/")
            self._decisions.add(Decision(name, session, action, resource, allowed))
        elif kind == "user":
            self._decisions.add(Decision(rest, "", action, resource, allowed))
