"""Row `sender`: what sending costs by itself, and what our adapter adds to a raw client against the same stub."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bench import world
from bench.report import Measure
from bench.stub import provider_stub
from lambdas.adapters.aws import client as function_client
from lambdas.adapters.clock import AnchoredClock
from lambdas.adapters.sms import SmsProvider
from lambdas.core.attempts import Attempts
from lambdas.core.identity_calendar import MILLI
from lambdas.core.pacing import MICROSECOND
from lambdas.core.ports import OutboundMessage, SendTerms
from lambdas.core.sending import CampaignSender, SenderPorts

FAST_TPS = 20_000.0
"""Faster than one process can: what is left is what sending costs."""
THREADS = 16
ROUNDS = 5
FAST_ENOUGH = 5_000
SHARE_OF_RAW = 0.6


def run(brief: bool) -> list[Measure]:
    """The sender on fake ports; one provider call and sixteen threads of them beside raw boto3."""
    core = _campaign(4_000 if brief else 40_000, FAST_TPS, world.TimedProvider())
    fake = Measure(
        "sender", "campaign sender, fake ports", "messages/s", core, {}, f">= {FAST_ENOUGH:,}", core >= FAST_ENOUGH
    )
    with provider_stub() as url, _function_environment(url):
        return [fake, *_against_stub(url, 300 if brief else 2_000)]


def _against_stub(url: str, calls: int) -> list[Measure]:
    sms = function_client("pinpoint-sms-voice-v2", attempts=1, connections=THREADS)
    adapter = SmsProvider(sms, stack="bench", configuration_set="bench", origination_identity="pool-bench")
    message = OutboundMessage(
        "c-bench-0000000", world.Audience().rows("", 0, 1)[0], SendTerms("c-bench", "TRANSACTIONAL")
    )
    raw = _raw_boto3(url)
    ours, peer = _alternating(lambda: adapter.send(message), raw, calls, threads=1)
    many, peer_many = _alternating(lambda: adapter.send(message), raw, calls, threads=THREADS)
    whole = _campaign(calls, peer_many, adapter)
    return [
        _beside("SMS adapter, 1 thread", ours, peer),
        _beside(f"SMS adapter, {THREADS} threads", many, peer_many),
        _beside(f"whole sender over the SMS adapter, {THREADS} threads", whole, peer_many),
    ]


def _beside(what: str, ours: float, peer: float) -> Measure:
    holds = ours >= SHARE_OF_RAW * peer
    return Measure("sender", what, "messages/s", ours, {"raw boto3": peer}, f">= {SHARE_OF_RAW} x boto3", holds)


def _campaign(rows: int, tps: float, provider: Any) -> float:
    """Messages per second of one whole campaign from its first call to its end."""
    store, clock = world.Store(rows, tps, int(tps * MILLI)), AnchoredClock()
    timed = _FirstCall(provider)
    ports = SenderPorts(
        world.SharedCampaigns(store, 0),
        world.Audience(),
        world.SharedLimiter(store, clock, 0),
        world.NoOptOuts(),
        clock,
        world.EndlessDay(0),
    )
    attempts = Attempts(world.Tracking(), timed, ports.opt_outs, clock, owner="bench")
    sender = CampaignSender("c-bench", "bench", ports, attempts, threads=THREADS, keep_token=lambda: None)
    report = sender.run(clock.now_us() + 300 * MICROSECOND)
    if report.sent != rows:
        raise RuntimeError(f"{report.sent} of {rows} messages were sent: {report}")
    return rows / (time.perf_counter() - timed.first)


class _FirstCall:
    """`ProviderPort` that notes when it is first used."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self.first = 0.0

    def send(self, message: OutboundMessage) -> str:
        """Pass the call on."""
        self.first = self.first or time.perf_counter()
        sent: str = self._provider.send(message)
        return sent


def _raw_boto3(url: str) -> Callable[[], object]:
    """The call that a script makes: the same arguments, boto3's own client."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "pinpoint-sms-voice-v2", endpoint_url=url, region_name="us-east-1", config=Config(max_pool_connections=THREADS)
    )
    return lambda: client.send_text_message(
        DestinationPhoneNumber="+14254147755",
        OriginationIdentity="pool-bench",
        ConfigurationSetName="bench",
        MessageBody="Your order is ready.",
        MessageType="TRANSACTIONAL",
        Context={"message_id": "c-bench-0000000", "stack": "bench"},
    )


def _alternating(ours: Callable[[], object], peer: Callable[[], object], calls: int, *, threads: int) -> list[float]:
    """Calls per second of both, the best of rounds that take turns."""
    best = [0.0, 0.0]
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            for side, call in enumerate((ours, peer)):
                began = time.perf_counter()
                for done in [pool.submit(_repeat, call, calls // threads) for _ in range(threads)]:
                    done.result()
                made = calls // threads * threads
                best[side] = max(best[side], made / (time.perf_counter() - began))
    return best


def _repeat(call: Callable[[], object], times: int) -> None:
    for _ in range(times):
        call()


@contextmanager
def _function_environment(url: str) -> Iterator[None]:
    """The variables a function's client reads, for as long as the row runs."""
    wanted = {
        "ENVIRONMENT": "local",
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
