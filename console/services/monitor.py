"""The monitor: the feeds of one stack, driven by one beat, summed up in one immutable `Overview`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from console.clock import Clock, SystemClock
from console.domain import Overview, StackFacts, Throughput, is_open
from console.services.feed import AnyFeed, Feed
from console.services.runner import Runner
from console.services.throughput import ThroughputMeter
from console.sources.base import Connection
from lambdas.core.campaign import CampaignSummary

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Beats:
    """Seconds between reads of each feed; `idle` stretches campaigns and messages while nothing is open.

    Alarms every 10 s are $0.63 a month (8 h x 22 days); campaigns and messages are counted in read units.
    """

    alarms: float = 10.0
    campaigns: float = 2.0
    messages: float = 3.0
    spend: float = 30.0
    idle: float = 4.0


LOCAL_BEATS = Beats(alarms=2.0, campaigns=1.0, messages=1.0, spend=3.0, idle=1.0)
"""The embedded cloud costs nothing to ask."""

DEADLINE = 8.0


def stack_facts(connection: Connection, *, allow_actions: bool) -> StackFacts:
    """Who this stack is; actions are on by request, and always in the environment `local`."""
    identity = connection.outputs.identity
    return StackFacts(
        project=identity.project,
        stack=identity.stack,
        environment=identity.environment,
        account_id=identity.account_id,
        region=identity.region,
        version=identity.version,
        actions_allowed=allow_actions or identity.environment == LOCAL,
        alarm_prefix=connection.outputs.monitoring.alarm_name_prefix,
    )


def identity_rate(connection: Connection) -> float | None:
    """Message parts per second of all origination identities together; None when the outputs hold no number."""
    try:
        rate = sum(connection.outputs.messaging.rates().values())
    except ValueError:
        return None
    return rate if rate > 0 else None


class Monitor:
    """Call `tick` at each beat of the screen; it never blocks. `overview` is the state of that moment."""

    def __init__(
        self,
        connection: Connection,
        *,
        allow_actions: bool = False,
        beats: Beats | None = None,
        runner: Runner | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.stack = stack_facts(connection, allow_actions=allow_actions)
        self.paused = False
        self._source = connection.source
        self._clock = clock or SystemClock()
        self._runner = runner or Runner(clock=self._clock)
        self._beats = beats or (LOCAL_BEATS if self.stack.environment == LOCAL else Beats())
        self._meter = ThroughputMeter(identity_rate(connection))
        self._throughput = Throughput()
        self._seen: tuple[CampaignSummary, ...] = ()
        rng = rng or random.Random()
        reads = {
            "alarms": self._source.alarms,
            "campaigns": self._source.campaigns,
            "messages": lambda: self._source.messages(self._seen),
            "spend": self._source.spend,
        }
        self._feeds: Mapping[str, AnyFeed] = {
            name: Feed(
                name,
                read,
                every=getattr(self._beats, name),
                deadline=DEADLINE,
                source=self._source.name,
                runner=self._runner,
                clock=self._clock,
                rng=rng,
            )
            for name, read in reads.items()
        }

    def tick(self) -> bool:
        """One beat; whether any feed has something new to show."""
        changed = False
        for name, feed in self._feeds.items():
            start = not self.paused and (name != "messages" or self._feeds["campaigns"].state.at is not None)
            if feed.tick(start=start):
                changed = True
                if name == "campaigns":
                    self._campaigns_arrived(feed)
        return changed

    def refresh(self) -> None:
        """Read everything at the next beat, back-off or not."""
        for feed in self._feeds.values():
            feed.ask()

    @property
    def overview(self) -> Overview:
        """The state of this moment."""
        states = {name: feed.state for name, feed in self._feeds.items()}
        return Overview(
            stack=self.stack,
            taken_at=self._clock.now(),
            throughput=self._throughput,
            api=self._source.use(),
            paused=self.paused,
            **states,
        )

    @property
    def settled(self) -> bool:
        """Whether nothing is out and each feed has answered once, well or badly.

        Messages are asked for by campaign, so without campaigns there is nothing to wait for.
        """
        asked = [feed for name, feed in self._feeds.items() if name != "messages" or self._feeds["campaigns"].state.at]
        return all(not feed.reading and (feed.state.at is not None or feed.state.error is not None) for feed in asked)

    def _campaigns_arrived(self, feed: AnyFeed) -> None:
        if feed.state.error is not None or feed.state.value is None or feed.state.at is None:
            return
        self._seen = feed.state.value
        self._throughput = self._meter.observe(feed.state.at, self._seen)
        stretch = 1.0 if any(is_open(campaign) for campaign in self._seen) else self._beats.idle
        for name in ("campaigns", "messages"):
            self._feeds[name].every = getattr(self._beats, name) * stretch
