"""What goes wrong with calls is told as what it is, by the panel it happened to, while its last value stays."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from console.domain import ConsoleError, Fetched, ProblemKind
from console.services.errors import Caller
from console.services.feed import Feed
from console.services.monitor import Monitor
from console.services.runner import Runner
from console.sources.aws import AwsSource
from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.sources.fake_outputs import fake_outputs
from console.sources.faults import Fault, FaultKind, FaultPlan, error_of, parse_faults
from console.sources.intercept import PORTS, Call, intercepted
from tests.support.canned_dynamo import Clients
from tests.support.stopped_clock import StoppedClock

KINDS = {
    FaultKind.EXPIRED: (ProblemKind.CREDENTIALS, "aws sso login --profile work"),
    FaultKind.THROTTLED: (ProblemKind.THROTTLED, "less often"),
    FaultKind.UNREACHABLE: (ProblemKind.UNREACHABLE, "network"),
    FaultKind.HALF: (ProblemKind.UNREACHABLE, "network"),
    FaultKind.SKEWED: (ProblemKind.CLOCK_SKEW, "timedatectl"),
    FaultKind.REGION: (ProblemKind.NOT_FOUND, "--region"),
    FaultKind.DENIED: (ProblemKind.FORBIDDEN, "permission"),
}


def alarm(name: str) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": "OK"}


class Panel:
    """A feed as a screen drives it, over a clock that stands still between beats."""

    def __init__(self, read: Callable[[], Any], deadline: float = 8.0) -> None:
        self.clock = StoppedClock()
        self._feed = Feed(
            "panel",
            read,
            every=10.0,
            deadline=deadline,
            source="fake",
            runner=Runner(clock=self.clock),
            clock=self.clock,
            rng=random.Random(1),
            caller=Caller("work", "us-east-1"),
        )

    def start(self) -> Fetched[Any]:
        """Begin to read and wait for nothing."""
        self._feed.tick()
        return self._feed.state

    def beat(self, seconds: float = 0.0) -> Fetched[Any]:
        """Let time pass, read if it is due, and take the answer."""
        self.clock.time += seconds
        self._feed.tick()
        waited = threading.Event()
        while self._feed.reading and not self._feed.tick(start=False):
            waited.wait(0.001)
        return self._feed.state


def faulty(*faults: Fault, clock: StoppedClock | None = None) -> tuple[FakeStack, FaultPlan, Connection]:
    stack, plan = FakeStack(StoppedClock()), FaultPlan(*faults, clock=clock)
    return stack, plan, intercepted(stack.connection(), plan)


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_says_what_is_wrong_keeps_its_value_and_recovers(kind: FaultKind) -> None:
    stack, plan, connection = faulty(Fault(kind, "alarms", start=0.5), clock=(clock := StoppedClock()))
    panel, other = Panel(connection.source.alarms), Panel(connection.source.campaigns)
    good = panel.beat()
    assert (good.value, good.error) == (stack.alarm_list, None)
    clock.time += 1
    failed = panel.beat(10)
    expected, remedy = KINDS[kind]
    assert failed.error is not None
    assert failed.error.kind is expected
    assert remedy in failed.error.remedy
    assert failed.error.command == ("aws sso login --profile work" if kind is FaultKind.EXPIRED else "")
    assert (failed.value, failed.at, failed.age(panel.clock.time)) == (stack.alarm_list, good.at, 10.0)
    assert failed.retry_at is not None
    assert failed.retry_at > panel.clock.time
    assert other.beat().error is None, "its neighbour knows nothing of it"
    plan.lift()
    recovered = panel.beat(failed.retry_at - panel.clock.time)
    assert (recovered.error, recovered.age(panel.clock.time)) == (None, 0.0)
    assert plan.injected == {kind: 1}


def test_a_call_that_hangs_is_given_up_while_the_others_answer() -> None:
    _, plan, connection = faulty(Fault(FaultKind.SLOW, "telemetry.*"))
    panel, other = Panel(connection.telemetry.queues), Panel(connection.source.alarms)
    assert panel.start().reading_since == panel.clock.time
    assert other.beat().error is None
    abandoned = panel.beat(8.0)
    assert abandoned.error is not None
    assert abandoned.error.kind is ProblemKind.TIMED_OUT
    plan.lift()
    assert panel.beat(20.0).error is None


def test_half_an_answer_costs_a_call_and_is_no_answer() -> None:
    stack, _, connection = faulty(Fault(FaultKind.HALF, "resources"))
    with pytest.raises(ConnectionClosedError):
        connection.telemetry.resources()
    assert stack.use().calls == 1


def test_a_page_that_fails_leaves_the_whole_list_of_before_and_no_half() -> None:
    pages: list[dict[str, Any]] = [
        {"MetricAlarms": [alarm("a")], "NextToken": "more"},
        {"MetricAlarms": [alarm("b")]},
    ]
    answers: list[dict[str, Any] | Exception] = [
        *pages,
        pages[0],
        error_of(FaultKind.THROTTLED, Call("source", "alarms")),
    ]

    class CloudWatch:
        def describe_alarms(self, **_: Any) -> dict[str, Any]:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    clients: Any = Clients(cloudwatch=CloudWatch())
    panel = Panel(AwsSource(fake_outputs(), clients).alarms)
    whole = panel.beat()
    assert whole.value is not None
    assert [each.name for each in whole.value] == ["a", "b"]
    failed = panel.beat(10)
    assert failed.error is not None
    assert (failed.value, failed.error.kind, answers) == (whole.value, ProblemKind.THROTTLED, [])


def test_the_overview_goes_on_without_the_part_that_fails() -> None:
    clock = StoppedClock()
    stack = FakeStack(clock)
    plan = FaultPlan(Fault(FaultKind.EXPIRED, "source.spend"), Fault(FaultKind.DENIED, "campaigns"))
    monitor = Monitor(intercepted(stack.connection(), plan), clock=clock, rng=random.Random(1))
    waited = threading.Event()
    while not monitor.settled:
        monitor.tick()
        waited.wait(0.001)
    overview = monitor.overview
    assert overview.alarms.value == stack.alarm_list
    assert overview.spend.error is not None
    assert overview.spend.error.command == "aws sso login"
    assert overview.campaigns.error is not None
    assert overview.campaigns.error.kind is ProblemKind.FORBIDDEN
    assert overview.api == stack.use(), "what is counted is not asked for, so it cannot fail"


@pytest.mark.parametrize("port", PORTS)
def test_every_port_goes_through_the_hook(port: str) -> None:
    _, plan, connection = faulty(Fault(FaultKind.DENIED))
    calls = {
        "source": connection.source.alarms,
        "telemetry": connection.telemetry.resources,
        "records": lambda: connection.records.timeline("m"),
        "sessions": connection.sessions.roster,
        "api": connection.api.ping,
    }
    with pytest.raises(ClientError, match="not authorized"):
        calls[port]()
    assert plan.injected.total() == 1


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("expired", [Fault(FaultKind.EXPIRED)]),
        ("throttled:alarmsx3", [Fault(FaultKind.THROTTLED, "alarms", times=3)]),
        (
            "slow:telemetry.*@30-90, half:source.campaign?x1",
            [
                Fault(FaultKind.SLOW, "telemetry.*", start=30, end=90),
                Fault(FaultKind.HALF, "source.campaign?", times=1),
            ],
        ),
    ],
)
def test_a_plan_is_written_on_the_command_line(text: str, faults: list[Fault]) -> None:
    assert parse_faults(text) == faults


@pytest.mark.parametrize("text", ["", "nothing", "expired:", "expired@9", "throttled:alarmsx0", "slow,", "\x1b[2J"])
def test_what_is_no_plan_is_refused_with_the_words_there_are(text: str) -> None:
    with pytest.raises(ConsoleError, match="is no fault") as caught:
        parse_faults(text)
    assert "expired, throttled" in caught.value.problem.remedy


def test_faults_come_in_their_time_and_number() -> None:
    clock = StoppedClock()
    _, plan, connection = faulty(
        Fault(FaultKind.THROTTLED, "alarms", times=1),
        Fault(FaultKind.DENIED, "source.alarms", start=10, end=20),
        clock=clock,
    )
    outcomes: list[str] = []
    for seconds in (0, 0, 10, 5, 5):
        clock.time += seconds
        try:
            connection.source.alarms()
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
        else:
            outcomes.append("")
    assert outcomes == ["ThrottlingException", "", "AccessDeniedException", "AccessDeniedException", ""]
    assert plan.injected == {FaultKind.THROTTLED: 1, FaultKind.DENIED: 2}
