"""Calls in threads of their own: their deadlines, their places, and nothing that blocks the loop."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from botocore.exceptions import ReadTimeoutError

from console.services.errors import BusyError, DeadlineError
from console.services.runner import MOST, Lane, Runner
from console.sources import clients
from console.sources.clients import Target
from tests.support.stopped_clock import StoppedClock
from tests.support.threads import until


def test_a_call_gives_its_value_or_its_error() -> None:
    runner = Runner()
    assert runner.start(lambda: 7, deadline=5).wait() == 7
    with pytest.raises(ZeroDivisionError):
        runner.start(lambda: 1 // 0, deadline=5).wait()


def test_a_hanging_call_ends_at_its_deadline_and_keeps_its_slot() -> None:
    clock, released = StoppedClock(), threading.Event()
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
    clock, released, calls = StoppedClock(), threading.Event(), list[int]()

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
    clock, released = StoppedClock(), threading.Event()
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
