"""Faults on purpose: what AWS, the network and this machine's clock do to calls on bad days, by plan."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from console.clock import Clock, SystemClock
from console.domain import ConsoleError, ProblemKind
from console.sources.intercept import Call
from console.text import safe_line


class FaultKind(StrEnum):
    """What goes wrong with a call. `slow` goes on when its time is over or its plan is lifted, `half` fails after the
    stack has answered."""

    EXPIRED = "expired"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    HALF = "half"
    SKEWED = "skewed"
    REGION = "region"
    DENIED = "denied"


ANSWERS: Mapping[FaultKind, tuple[int, str, str]] = {
    FaultKind.EXPIRED: (400, "ExpiredTokenException", "The security token included in the request is expired"),
    FaultKind.THROTTLED: (400, "ThrottlingException", "Rate exceeded"),
    FaultKind.SKEWED: (
        403,
        "InvalidSignatureException",
        "Signature expired: 20261121T113000Z is now earlier than 20261121T115500Z (20261121T120000Z - 5 min.)",
    ),
    FaultKind.REGION: (400, "ResourceNotFoundException", "Requested resource not found"),
    FaultKind.DENIED: (
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::000000000000:assumed-role/reader/me is not authorized to perform this operation "
        "because no identity-based policy allows it",
    ),
}
"""HTTP status, code and message of an answer (the services' API references, "Common errors")."""
ENDPOINT = "https://dynamodb.us-east-1.amazonaws.com/"
SAFE = frozenset({"telemetry.log_groups"})
"""What is answered from the stack's outputs, without a call that could fail."""
_SPEC = re.compile(
    r"(?P<kind>[a-z]+)(?::(?P<methods>[a-z_.*?]+))?(?:x(?P<times>[1-9]\d{0,5}))?"
    r"(?:@(?P<start>\d{1,6})-(?P<end>\d{1,6}))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` happens to calls of `methods` (a pattern over names as `telemetry.logs`, or over the part behind the
    point), `times` of them at most, from `start` to `end` seconds after the plan was made."""

    kind: FaultKind
    methods: str = "*"
    times: int | None = None
    start: float = 0.0
    end: float | None = None


class FaultPlan:
    """A hook that makes calls fail; safe to use from many threads. `injected` counts faults by kind."""

    def __init__(self, *faults: Fault, clock: Clock | None = None) -> None:
        self.injected: Counter[FaultKind] = Counter()
        self._clock = clock or SystemClock()
        self._made = self._clock.monotonic()
        self._lock = threading.Lock()
        self._left = [(fault, fault.times) for fault in faults]
        self._lifted = threading.Event()

    def lift(self) -> None:
        """All is well from now on, also for calls that hang."""
        with self._lock:
            self._left.clear()
        self._lifted.set()

    def __call__(self, call: Call, proceed: Callable[[], Any]) -> Any:
        fault = self._next(call)
        if fault is None:
            return proceed()
        if fault.kind is FaultKind.SLOW:
            self._lifted.wait(None if fault.end is None else self._made + fault.end - self._clock.monotonic())
            return proceed()
        if fault.kind is FaultKind.HALF:
            proceed()
        raise error_of(fault.kind, call)

    def _next(self, call: Call) -> Fault | None:
        after = self._clock.monotonic() - self._made
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                begun = fault.start <= after and (fault.end is None or after < fault.end)
                if left == 0 or not begun or not _meant(fault.methods, call):
                    continue
                self._left[place] = (fault, None if left is None else left - 1)
                self.injected[fault.kind] += 1
                return fault
        return None


def _meant(methods: str, call: Call) -> bool:
    return call.name not in SAFE and (fnmatchcase(call.name, methods) or fnmatchcase(call.method, methods))


def error_of(kind: FaultKind, call: Call) -> Exception:
    """What botocore raises when this happens."""
    from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

    lost: dict[FaultKind, Exception] = {
        FaultKind.UNREACHABLE: EndpointConnectionError(endpoint_url=ENDPOINT),
        FaultKind.HALF: ConnectionClosedError(endpoint_url=ENDPOINT),
    }
    if kind in lost:
        return lost[kind]
    status, code, message = ANSWERS[kind]
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 1},
    }
    refused: Exception = ClientError(answer, "".join(word.capitalize() for word in call.method.split("_")))
    return refused


def parse_faults(text: str) -> list[Fault]:
    """Faults as `kind[:methods][xTIMES][@FROM-TO]`, with commas between them; raises `ConsoleError`.

    `throttled:alarmsx3,slow:telemetry.*@30-90` refuses three reads of alarms, and lets all of telemetry hang from
    half a minute to one and a half after the start.
    """
    return [_fault(spec.strip()) for spec in text.split(",")]


def _fault(spec: str) -> Fault:
    found = _SPEC.fullmatch(spec)
    if found is None or found["kind"] not in set(FaultKind):
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{safe_line(spec, 60)!r} is no fault",
            f"write kind[:methods][xTIMES][@FROM-TO], the kind one of {', '.join(FaultKind)}",
        )
    return Fault(
        kind=FaultKind(found["kind"]),
        methods=found["methods"] or "*",
        times=None if found["times"] is None else int(found["times"]),
        start=float(found["start"] or 0),
        end=None if found["end"] is None else float(found["end"]),
    )
