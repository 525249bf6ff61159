"""Row `pacing`: how exactly a target rate is kept, by one process and by eight that share it.

Ours is the real `CampaignSender` over a shared store that answers each operation after 4 ms, as DynamoDB does; peers
get their own store without that delay. The target is the campaign's, on an identity that has just that rate for
campaigns beside what it keeps for single messages. Times are taken at the start of each provider call.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from bench import peers, world
from bench.report import Measure, PeerMissing, say
from lambdas.adapters.clock import AnchoredClock
from lambdas.core.attempts import Attempts
from lambdas.core.identity_calendar import MILLI
from lambdas.core.pacing import MICROSECOND, PRIORITY_SHARE
from lambdas.core.sending import CampaignSender, SenderPorts

RATES = (10, 100, 1_000)
PROCESSES = (1, 8)
THREADS = 16
STORE_LATENCY_S = 0.004
RUN_ON_S = 2
"""Ours gets this much more to send than is looked at, so that its end is not taken for slowness."""


def run(brief: bool) -> list[Measure]:
    """Both figures at each rate, with one and with eight processes."""
    multiprocessing.set_start_method("spawn", force=True)
    seconds = 3 if brief else 6
    measures = []
    for count in PROCESSES:
        for rate in RATES:
            ours = _ours(rate, seconds, count)
            others = _one_process_peers(rate, seconds) if count == 1 else _shared_peers(rate, seconds, count)
            measures += _measures(rate, seconds, count, ours, others)
    return measures


def _measures(
    rate: int, seconds: float, count: int, ours: list[float], others: dict[str, list[float]]
) -> list[Measure]:
    where = f"{rate}/s, {count} process{'es' * (count > 1)}"
    worst, most = worst_second(ours), max(rate + 1, 1.02 * rate)
    achieved = 100 * achieved_share(ours, rate, seconds)
    return [
        Measure(
            "pacing",
            f"worst second at {where}",
            "% of target",
            100 * worst / rate,
            {name: 100 * worst_second(calls) / rate for name, calls in others.items()},
            f"<= {100 * most / rate:.0f}",
            worst <= most,
        ),
        Measure(
            "pacing",
            f"achieved at {where}",
            "% of target",
            achieved,
            {name: 100 * achieved_share(calls, rate, seconds) for name, calls in others.items()},
            ">= 99",
            achieved >= 99,
        ),
    ]


def worst_second(calls: list[float]) -> int:
    """The most calls that start within any one second."""
    first, most = 0, 0
    for last, at in enumerate(calls):
        while at - calls[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def achieved_share(calls: list[float], rate: int, seconds: float) -> float:
    """Calls within `seconds` of the first one, divided by what the target allows."""
    return sum(at - calls[0] < seconds for at in calls) / (rate * seconds)


def _ours(rate: int, seconds: float, count: int) -> list[float]:
    identity = math.ceil(rate * MILLI / (1 - PRIORITY_SHARE))
    with world.StoreServer() as server:
        store = server.Store(int(rate * (seconds + RUN_ON_S)), float(rate), identity)  # type: ignore[attr-defined]
        return _in_processes(count, _send, (store, seconds + 30))


def _send(store: Any, seconds: float) -> list[float]:
    """One worker's run; returns the start times of its calls."""
    clock, provider, owner = AnchoredClock(), world.TimedProvider(), f"worker-{os.getpid()}"
    ports = SenderPorts(
        world.SharedCampaigns(store, STORE_LATENCY_S),
        world.Audience(),
        world.SharedLimiter(store, clock, STORE_LATENCY_S),
        world.NoOptOuts(),
        clock,
        world.EndlessDay(STORE_LATENCY_S),
    )
    attempts = Attempts(world.Tracking(), provider, ports.opt_outs, clock, owner=owner)
    sender = CampaignSender("c-bench", owner, ports, attempts, threads=THREADS, keep_token=lambda: None)
    sender.run(clock.now_us() + int(seconds * MICROSECOND))
    return provider.calls


def _in_processes(count: int, work: Callable[..., list[float]], arguments: tuple[Any, ...]) -> list[float]:
    """Run `work` in `count` fresh processes that start together; all their calls in order."""
    ready = multiprocessing.Barrier(count)
    answers: multiprocessing.SimpleQueue[list[float]] = multiprocessing.SimpleQueue()
    started = [multiprocessing.Process(target=_member, args=(ready, answers, work, arguments)) for _ in range(count)]
    for process in started:
        process.start()
    calls = sorted(at for _ in started for at in answers.get())
    for process in started:
        process.join()
    return calls


def _member(ready: Any, answers: Any, work: Callable[..., list[float]], arguments: tuple[Any, ...]) -> None:
    ready.wait()
    answers.put(work(*arguments))


def _one_process_peers(rate: int, seconds: float) -> dict[str, list[float]]:
    found = {}
    for name, drive in peers.ONE_PROCESS.items():
        try:
            found[name] = drive(rate, seconds)
        except PeerMissing as missing:
            say(str(missing))
    return found


def _shared_peers(rate: int, seconds: float, count: int) -> dict[str, list[float]]:
    """Peers that share a rate between processes without a database server (limits needs one, aiolimiter cannot)."""
    found = {}
    for name, smooth in peers.SHARED_BUCKETS.items():
        try:
            bucket = peers.pyrate_bucket(rate, smooth=smooth, shared=True)
        except PeerMissing as missing:
            say(str(missing))
            continue
        found[name] = _in_processes(count, peers.drive_pyrate, (bucket, seconds))
    return found
