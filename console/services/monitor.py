"""The monitor: the feeds of one stack, driven by one beat, summed up in one immutable `Overview`."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.clock import Clock, SystemClock
from console.domain import Fetched, Overview, StackFacts, Throughput
from console.services.budget import Budget
from console.services.errors import caller_of
from console.services.feed import AnyFeed, Feed, FeedSpec
from console.services.runner import Lane, Runner
from console.services.throughput import ThroughputMeter
from console.sources.base import Connection
from console.sources.clients import profile_of
from console.tallies import is_open
from console.text import safe_line
from lambdas.core.campaign import CampaignSummary
from lambdas.core.outputs import ACTIONS_ALLOWED

LOCAL = "local"
RATES_SECONDS = 3_600.0
"""How far back the overview looks for what was sent before this console was opened."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Seconds between reads of each feed while its screen is looked at.

    `idle` stretches campaigns and messages while nothing is open. Alarms are a call every 10 s, once a minute one for
    each hundred of them: $0.74 a month (8 h x 22 days) for up to 200. Campaigns, messages and sessions are counted in
    read units, what comes from CloudWatch is $0.01 for each 1,000 metrics: one for each queue with messages and each
    channel's rate, three gauges of sessions, about thirty of their hour.
    """

    alarms: float = 10.0
    campaigns: float = 2.0
    messages: float = 3.0
    spend: float = 30.0
    queues: float = 60.0
    deployments: float = 300.0
    resources: float = 600.0
    bill: float = 3600.0
    rates: float = 300.0
    sessions: float = 15.0
    session_gauges: float = 120.0
    session_hour: float = 300.0
    idle: float = 4.0


LOCAL_BEATS = Beats(
    alarms=2.0,
    campaigns=1.0,
    messages=1.0,
    spend=3.0,
    queues=2.0,
    deployments=10.0,
    resources=30.0,
    rates=10.0,
    sessions=2.0,
    session_gauges=10.0,
    session_hour=10.0,
    idle=1.0,
)
"""The embedded cloud and a recording cost nothing to ask."""

ALARMS_SLOWNESS = 2.0
"""The most that a budget which runs out slows alarms: they matter more than cents."""
HIDDEN = 6.0
"""How much less often is read what no screen shows; alarms are always looked at."""
BLURRED = 2.0
"""The same for a terminal that is not in front."""
OVERVIEW = ("alarms", "campaigns", "messages", "spend")
"""The feeds that are read from the start and kept going whatever is on the screen."""

DEADLINE = 8.0


def stack_facts(connection: Connection, *, allow_actions: bool) -> StackFacts:
    """Who this stack is; actions are on by request or by the stack's own settings, and always in the environment
    `local`, never in a replay."""
    identity, replayed = connection.outputs.identity, connection.clock is not None
    allowed = allow_actions or identity.console_actions == ACTIONS_ALLOWED or identity.environment == LOCAL
    return StackFacts(
        project=identity.project,
        stack=identity.stack,
        environment=identity.environment,
        account_id=identity.account_id,
        region=identity.region,
        version=identity.version,
        actions_allowed=allowed and not replayed,
        alarm_prefix=connection.outputs.monitoring.alarm_name_prefix,
        endpoint_url=identity.endpoint_url,
        replayed=replayed,
        profile="" if connection.clients is None else safe_line(profile_of(connection.clients.target, os.environ), 64),
    )


def identity_rate(connection: Connection) -> float | None:
    """Message parts per second of all origination identities together; None when the outputs hold no number."""
    try:
        rate = sum(connection.outputs.messaging.rates().values())
    except ValueError:
        return None
    return rate if rate > 0 else None


class Monitor:
    """Call `tick` at each beat of the screen; it never blocks. `overview` is the state of that moment.

    Screens `watch` what they show beside the overview and `focus` on it while they are on top; what nobody looks at is
    read less often. `least_seconds` is the shortest time between two reads of a feed that the person wants. `lent` are
    the feeds that a screen drives itself, or drove last: those of the logs, by group.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        allow_actions: bool = False,
        beats: Beats | None = None,
        runner: Runner | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.stack = stack_facts(connection, allow_actions=allow_actions)
        self.paused = False
        self.blurred = False
        self.least_seconds = 0.0
        self.budget = budget
        self._connection = connection
        self._source = connection.source
        self._caller = caller_of(connection)
        self._clock = clock or connection.clock or SystemClock()
        self._runner = runner or Runner(clock=self._clock)
        self._beats = beats or (LOCAL_BEATS if self.stack.environment == LOCAL or self.stack.replayed else Beats())
        self._meter = ThroughputMeter(identity_rate(connection))
        self._throughput = Throughput()
        self._seen: tuple[CampaignSummary, ...] = ()
        self._rng = rng or random.Random()
        self._looked_at: frozenset[str] = frozenset(OVERVIEW)
        self._standard = {spec.name: spec for spec in self._specs()}
        self._every: dict[str, float] = {}
        self._watchers: Counter[str] = Counter()
        self._asked: set[str] = set()
        self._feeds: dict[str, AnyFeed] = {}
        self.lent: Mapping[str, AnyFeed] = {}
        for name in OVERVIEW:
            self.watch(self._standard[name])

    def _specs(self) -> Iterator[FeedSpec]:
        source, telemetry, sessions = self._source, self._connection.telemetry, self._connection.sessions
        reads: dict[str, Callable[[], Any]] = {
            "alarms": source.alarms,
            "campaigns": source.campaigns,
            "messages": lambda: source.messages(self._seen),
            "spend": source.spend,
            "queues": telemetry.queues,
            "deployments": telemetry.deployments,
            "resources": telemetry.resources,
            "bill": telemetry.bill,
            "rates": lambda: telemetry.rates(self._clock.now() - RATES_SECONDS, self._clock.now()),
            "sessions": sessions.roster,
            "session_gauges": sessions.gauges,
            "session_hour": sessions.hour,
        }
        for name, read in reads.items():
            yield FeedSpec(name, read, getattr(self._beats, name))

    def spec(self, name: str) -> FeedSpec:
        """The feed of the whole stack with this name."""
        return self._standard[name]

    def watch(self, spec: FeedSpec) -> AnyFeed:
        """Read this from now on, until as many have called `unwatch` as `watch`."""
        self._watchers[spec.name] += 1
        if spec.name not in self._feeds:
            self._every[spec.name] = spec.every
            self._feeds[spec.name] = Feed(
                spec.name,
                spec.read,
                every=spec.every,
                deadline=DEADLINE,
                source=self._source.name,
                runner=self._runner,
                clock=self._clock,
                rng=self._rng,
                caller=self._caller,
                lane=Lane.STANDING if spec.name in self._standard else Lane.PLACES,
                key=spec.name,
            )
        return self._feeds[spec.name]

    def unwatch(self, name: str) -> None:
        """One watcher less; the last one takes the feed along. Those of the overview stay."""
        self._watchers[name] -= 1
        if self._watchers[name] <= 0:
            self._feeds.pop(name, None)

    def pace(self, name: str, every: float) -> None:
        """Read a feed at another beat (seconds) from now on."""
        self._every[name] = every

    def focus(self, names: Collection[str]) -> None:
        """What is on the screen now: it is read at its full rate, at once where it has grown old."""
        self._looked_at = frozenset(names)
        self._set_rates()
        for name in names:
            if name in self._feeds:
                self._feeds[name].hurry()

    def state(self, name: str) -> Fetched[Any]:
        """What is known of a feed; nothing of one that nobody watches."""
        feed = self._feeds.get(name)
        return Fetched() if feed is None else feed.state

    @property
    def feeds(self) -> Mapping[str, AnyFeed]:
        """All feeds that are read, by name."""
        return self._feeds

    @property
    def slowness(self) -> float:
        """How many times longer than their own beat feeds wait because of the month's budget."""
        return 1.0 if self.budget is None else self.budget.slowness()

    def tick(self) -> bool:
        """One beat; whether any feed has something new to show."""
        if self.budget is not None:
            self.budget.note(self._source.use().usd)
        self._set_rates()
        changed = False
        for name, feed in list(self._feeds.items()):
            wanted = not self.paused or (name in self._asked and not feed.reading)
            start = wanted and (name != "messages" or self._feeds["campaigns"].state.at is not None)
            if start:
                self._asked.discard(name)
            if feed.tick(start=start):
                changed = True
                if name == "campaigns":
                    self._campaigns_arrived(feed)
        return changed

    def _set_rates(self) -> None:
        idle = 1.0 if any(is_open(campaign) for campaign in self._seen) else self._beats.idle
        blurred = BLURRED if self.blurred else 1.0
        for name, feed in self._feeds.items():
            slowness = min(self.slowness, ALARMS_SLOWNESS) if name == "alarms" else self.slowness
            every = self._every[name] * slowness * blurred * (idle if name in ("campaigns", "messages") else 1.0)
            if name not in self._looked_at and name != "alarms":
                every *= HIDDEN
            feed.every = max(self.least_seconds, every)

    def refresh(self) -> None:
        """Read everything at the next beat, back-off or not; once where reading is held."""
        for feed in self._feeds.values():
            feed.ask()
        self._asked = set(self._feeds)

    def jumped(self) -> None:
        """The clock has been moved: what was known belongs to another time."""
        self._meter = ThroughputMeter(identity_rate(self._connection))
        self._throughput = Throughput()
        self.refresh()

    @property
    def overview(self) -> Overview:
        """The state of this moment."""
        return Overview(
            stack=self.stack,
            taken_at=self._clock.now(),
            throughput=self._throughput,
            api=self._source.use(),
            paused=self.paused,
            slowness=self.slowness,
            note=self._connection.note(),
            **{name: self._feeds[name].state for name in OVERVIEW},
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
