"""Runner, feeds, throughput and spend: what keeps the screen alive whatever AWS does."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import socket
import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from bench.console_month import month_usd
from console.domain import Alarm, ProblemKind
from console.places import Place
from console.screen_options import DEFAULT_BUDGET_USD
from console.services.budget import Budget
from console.services.errors import BusyError, DeadlineError
from console.services.feed import BACKOFF_MOST, Feed
from console.services.monitor import ALARMS_SLOWNESS, Beats, Monitor
from console.services.runner import MOST, Lane, Runner
from console.services.throughput import ThroughputMeter
from console.sources import clients
from console.sources.clients import Target
from console.sources.fake import FakeStack
from console.spend import SpendMeter
from console.ui.registry import HOME
from lambdas.core.campaign import CampaignStatus, CampaignSummary, ChannelCounts
from lambdas.core.outputs import ACTIONS_ALLOWED


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    ready = threading.Event()
    for _ in range(5_000):
        if condition():
            return
        ready.wait(0.001)
    raise AssertionError("it did not happen")


def test_a_call_gives_its_value_or_its_error() -> None:
    runner = Runner()
    assert runner.start(lambda: 7, deadline=5).wait() == 7
    with pytest.raises(ZeroDivisionError):
        runner.start(lambda: 1 // 0, deadline=5).wait()


def test_a_hanging_call_ends_at_its_deadline_and_keeps_its_slot() -> None:
    clock, released = Clock(), threading.Event()
    runner = Runner(places=1, clock=clock)
    job = runner.start(released.wait, deadline=3)
    over = [job.done]
    clock.time += 3
    over.append(job.done)
    assert over == [False, True]
    with pytest.raises(DeadlineError, match="3 s"):
        job.result()
    with pytest.raises(BusyError):
        runner.start(lambda: 1, deadline=3)
    released.set()
    until(lambda: not job.overdue)

    def free() -> bool:
        try:
            return runner.start(lambda: 2, deadline=3).wait() == 2
        except BusyError:
            return False

    until(free)


def test_of_a_key_one_call_is_out_and_it_is_busy_once_it_is_overdue() -> None:
    clock, released, calls = Clock(), threading.Event(), list[int]()

    def call() -> int:
        calls.append(len(calls))
        released.wait()
        return len(calls)

    runner = Runner(clock=clock)
    jobs = [runner.start(call, deadline=3, key="alarm a") for _ in range(50)]
    assert set(map(id, jobs)) == {id(jobs[0])}
    assert runner.out == 1
    clock.time += 3
    with pytest.raises(BusyError):
        runner.start(call, deadline=3, key="alarm a")
    other = runner.start(lambda: 7, deadline=3, key="alarm b")
    assert other.wait() == 7
    released.set()
    until(lambda: runner.out == 0)
    assert calls == [0]
    again = runner.start(call, deadline=3, key="alarm a")
    assert again is not jobs[0]
    assert again.wait() == 2


def test_calls_of_one_lane_take_no_room_from_another() -> None:
    clock, released = Clock(), threading.Event()
    runner = Runner(clock=clock)
    for lane in Lane:
        for number in range(MOST[lane]):
            runner.start(released.wait, deadline=3, lane=lane, key=f"{lane} {number}")
        with pytest.raises(BusyError):
            runner.start(released.wait, deadline=3, lane=lane)
    assert runner.out == runner.limit == sum(MOST.values())
    released.set()
    until(lambda: runner.out == 0)


def test_a_connection_that_never_answers_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("us-east-1", endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}", account_id="0" * 12)
        cloudwatch = clients.Clients(target).client("cloudwatch")
        runner = Runner()
        job = runner.start(cloudwatch.describe_alarms, deadline=30)
        with pytest.raises(ReadTimeoutError):
            job.wait()
        until(lambda: runner.out == 0)


def test_every_feed_of_the_whole_stack_has_a_place_of_its_own() -> None:
    clock = Clock()
    monitor = Monitor(FakeStack(clock).connection(), clock=clock, rng=random.Random(1))
    assert len(monitor._standard) <= MOST[Lane.STANDING]


def test_waiting_does_not_block_the_event_loop() -> None:
    async def main() -> list[str]:
        order: list[str] = []
        released = threading.Event()
        job = Runner().start(released.wait, deadline=10)

        async def wait() -> None:
            await job.wait_async()
            order.append("job")

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        order.append("loop")
        released.set()
        await task
        return order

    assert asyncio.run(main()) == ["loop", "job"]


class Reader:
    """A read that is let through, or made to fail, by the test."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return self.calls


def make_feed(reader: Reader, clock: Clock) -> Feed[int]:
    return Feed(
        "numbers",
        reader,
        every=2,
        deadline=8,
        source="test",
        runner=Runner(clock=clock),
        clock=clock,
        rng=random.Random(1),
    )


def finish(feed: Feed[int]) -> None:
    """Beat without starting anything until the read that is out has ended."""

    def ended() -> bool:
        feed.tick(start=False)
        return not feed.reading

    until(ended)


def test_a_feed_reads_when_due_and_not_before() -> None:
    clock, reader = Clock(), Reader()
    feed = make_feed(reader, clock)
    feed.tick()
    finish(feed)
    assert feed.state.value == 1
    assert feed.state.at == clock.time
    feed.tick()
    assert reader.calls == 1
    clock.time += 2
    feed.tick()
    finish(feed)
    assert feed.state.value == 2


def test_beats_are_dropped_not_queued() -> None:
    clock, reader = Clock(), Reader()
    reader.gate.clear()
    feed = make_feed(reader, clock)
    for _ in range(3):
        feed.tick()
        clock.time += 2
    assert reader.calls == 1
    assert feed.dropped == 2
    reader.gate.set()
    finish(feed)
    assert feed.state.value == 1


def test_an_error_keeps_the_last_value_and_backs_off() -> None:
    clock, reader = Clock(), Reader()
    feed = make_feed(reader, clock)
    feed.tick()
    finish(feed)
    read_at = clock.time
    reader.error = ConnectionRefusedError("refused")
    waits = []
    for _ in range(9):
        feed.ask()
        feed.tick()
        finish(feed)
        assert feed.state.retry_at is not None
        waits.append(feed.state.retry_at - clock.time)
    assert feed.state.value == 1
    assert feed.state.at == read_at
    assert feed.state.error is not None
    assert feed.state.error.kind is ProblemKind.UNREACHABLE
    assert 2 <= waits[0] <= 2.5
    assert waits[3] > 4 * waits[0] / 1.25
    assert BACKOFF_MOST <= waits[-1] <= 1.25 * BACKOFF_MOST
    reader.error = None
    feed.ask()
    feed.tick()
    finish(feed)
    recovered = feed.state
    assert (recovered.error, recovered.retry_at) == (None, None)


def test_an_overdue_read_is_an_error_and_its_late_answer_is_dropped() -> None:
    clock, reader = Clock(), Reader()
    reader.gate.clear()
    feed = make_feed(reader, clock)
    feed.tick()
    clock.time += 8
    feed.tick(start=False)
    assert feed.state.error is not None
    assert feed.state.error.kind is ProblemKind.TIMED_OUT
    reader.gate.set()
    feed.tick(start=False)
    assert feed.state.value is None


def summary(campaign_id: str, sent: int, *, tps: float = 50.0, begun: float = 0.0) -> CampaignSummary:
    """A running campaign that has sent `sent` messages evenly at `tps` since the second `begun`."""
    first = int(begun * 1000)
    return CampaignSummary(
        id=campaign_id,
        status=CampaignStatus.RUNNING,
        version=1,
        created_ms=0,
        throughput_tps=tps,
        recipients=1000,
        excluded=0,
        suppressed=0,
        unsent=0,
        claimed_rows=sent,
        done_rows=sent,
        reserved_usd=0,
        spent_usd=0,
        cap_usd=1,
        stop_reason=None,
        channels={
            "sms": ChannelCounts(
                sent=sent,
                first_sent_ms=first if sent else None,
                last_sent_ms=first + round(1000 * (sent - 1) / tps) if sent else None,
            )
        },
    )


def test_throughput_comes_from_the_counters() -> None:
    meter = ThroughputMeter(ceiling=80)
    first = meter.observe(100.0, [summary("a", 10)])
    assert first.achieved is None
    assert first.target == 50
    assert meter.observe(102.0, [summary("a", 110)]).achieved == pytest.approx(50)
    both = meter.observe(103.0, [summary("a", 160), summary("b", 21, tps=20)])
    assert both.target == 70
    assert meter.observe(103.5, [summary("a", 160), summary("b", 21, tps=40)]).target == 80
    assert both.achieved == pytest.approx(50 + 20)
    assert both.by_channel == {"sms": pytest.approx(70)}
    assert [point.achieved for point in both.history] == [None, 50, pytest.approx(70)]


@pytest.mark.parametrize("lag", [0.0, 0.3, 0.9, 1.5])
def test_counters_that_lag_in_batches_do_not_look_like_overshoot(lag: float) -> None:
    """A campaign paced at 50/s, seen through counters that follow each second and late."""
    meter, rates = ThroughputMeter(), []
    for second in range(1, 15):
        counted = max(0, int(second - lag)) * 50
        rates.append(meter.observe(float(second), [summary("a", counted)]).achieved)
    assert rates[0] is None
    assert all(rate == pytest.approx(50, rel=0.02) for rate in rates[3:])
    assert all(rate is not None and rate <= 51 for rate in rates[1:])


def test_a_campaign_that_stands_still_comes_down_to_zero() -> None:
    meter = ThroughputMeter()
    rates = [meter.observe(float(second), [summary("a", min(second, 10) * 50)]).achieved for second in range(1, 20)]
    assert rates[9] == pytest.approx(50)
    falling = [rate for rate in rates[12:] if rate is not None]
    assert falling == sorted(falling, reverse=True)
    assert rates[-1] == 0


def test_counters_without_times_are_rated_by_our_clock() -> None:
    meter = ThroughputMeter()
    for second, sent in ((0.0, 100), (2.0, 200)):
        timeless = dataclasses.replace(summary("a", sent), channels={"sms": ChannelCounts(sent=sent)})
        last = meter.observe(second, [timeless])
    assert last.achieved == pytest.approx(50, rel=0.02)


def test_a_counter_that_falls_is_no_negative_rate() -> None:
    meter = ThroughputMeter()
    meter.observe(0, [summary("a", 100)])
    assert meter.observe(2, [summary("a", 90)]).achieved == 0


def test_spend_is_counted_per_call_and_per_read_unit() -> None:
    meter = SpendMeter()
    for _ in range(1000):
        meter.count("cloudwatch:DescribeAlarms")
    meter.count("dynamodb:Query")
    meter.count_read_units(1_000_000)
    meter.count("sts:GetCallerIdentity")
    assert meter.use.calls == 1002
    assert meter.use.usd == pytest.approx(0.01 + 0.125)


@pytest.mark.parametrize("screen", [HOME, "messages", "sessions"])
def test_a_month_of_the_dearest_screens_stays_below_the_budget(screen: str) -> None:
    assert month_usd(Place(screen), running=True)[0] < DEFAULT_BUDGET_USD


def test_a_spent_budget_slows_alarms_least() -> None:
    clock = Clock()
    budget = Budget(None, 2.0, clock)
    monitor = Monitor(FakeStack(clock).connection(), clock=clock, rng=random.Random(1), budget=budget, beats=Beats())
    budget.note(1.99)
    monitor.tick()
    assert monitor.slowness == 4.0
    assert monitor.feeds["alarms"].every == ALARMS_SLOWNESS * Beats().alarms
    assert monitor.feeds["spend"].every == 4.0 * Beats().spend


def test_the_monitor_is_one_immutable_snapshot_per_beat() -> None:
    clock = Clock()
    stack = FakeStack(clock)
    monitor = Monitor(stack.connection(), clock=clock, rng=random.Random(1))

    def settled() -> bool:
        monitor.tick()
        return monitor.settled

    until(settled)
    overview = monitor.overview
    with pytest.raises(dataclasses.FrozenInstanceError):
        overview.paused = True  # type: ignore[misc]
    assert overview.alarms.value == stack.alarm_list
    assert overview.api.calls == 4
    monitor.paused = True
    clock.time += 60
    monitor.tick()
    assert not any(feed.reading for feed in monitor._feeds.values())
    assert monitor.overview.alarms.age(clock.time) == 60


class HangingStack(FakeStack):
    """Its alarms answer when they are let."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.answers = threading.Event()

    def alarms(self) -> tuple[Alarm, ...]:
        self.answers.wait(60)
        return super().alarms()


def test_a_reading_asked_for_by_hand_follows_one_that_is_out_where_reading_is_held() -> None:
    clock = Clock()
    stack = HangingStack(clock)
    monitor = Monitor(stack.connection(), clock=clock, rng=random.Random(1))
    monitor.tick()
    monitor.paused = True
    monitor.refresh()
    monitor.tick()
    feed = monitor.feeds["alarms"]
    assert feed.reading
    stack.answers.set()

    def read_twice() -> bool:
        monitor.tick()
        return feed.reads == 2

    until(read_twice)
    monitor.tick()
    assert not feed.reading


def test_actions_are_on_in_local_and_by_request_only() -> None:
    assert Monitor(FakeStack(environment="local").connection()).stack.actions_allowed
    assert not Monitor(FakeStack(environment="dev").connection()).stack.actions_allowed
    assert Monitor(FakeStack(environment="dev").connection(), allow_actions=True).stack.actions_allowed
    connection = FakeStack(environment="dev").connection()
    identity = dataclasses.replace(connection.outputs.identity, console_actions=ACTIONS_ALLOWED)
    allowing = dataclasses.replace(connection, outputs=dataclasses.replace(connection.outputs, identity=identity))
    assert Monitor(allowing).stack.actions_allowed, "the stack's own settings say so"
