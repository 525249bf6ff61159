"""A campaign being sent as a state machine: workers that live or die, pauses, opt-outs, a moody provider, receipts.

Whatever happens in whatever order: rows add up, money stays under the cap, nobody who has opted out is called, and what
has been delivered stays delivered.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lambdas.core import keys
from lambdas.core.campaign import OPEN_STATUSES, TRANSITIONS, CampaignStatus
from lambdas.core.lifecycle import ARRIVED, Status, StatusEvent, fold
from lambdas.core.pacing import MICROSECOND
from lambdas.core.provider_errors import ProviderError, classify, in_doubt
from tests.support.campaigns import PRICE_USD
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import FakeWorld, When
from tests.support.sending_checks import assert_conserved

ROWS = 40
AFTER_EVERYTHING_US = 65 * MICROSECOND
MOODS: dict[str, ProviderError | None] = {
    "takes": None,
    "throttles": classify("ThrottlingException", None),
    "fails": classify("InternalServerException", None),
    "refuses": classify("ValidationException", "PRICE_OVER_THRESHOLD"),
    "refuses everybody": classify("AccessDeniedException", "ACCOUNT_DISABLED"),
    "breaks off": in_doubt("ReadTimeoutError"),
}
ORDERS = (*(CampaignStatus.RUNNING, CampaignStatus.PAUSED) * 4, CampaignStatus.CANCELLED)
"""What somebody may ask of a campaign, and how often: an end ends the history, too."""


class SendingMachine(RuleBasedStateMachine):
    """One campaign of forty rows at four a second; each rule is one thing that happens to it.

    What rules draw does not depend on what workers did: which of two threads comes first is not repeatable.
    """

    @initialize(affordable=st.sampled_from([4, 23, ROWS, 2 * ROWS]))
    def begin(self, affordable: int) -> None:
        self.world = FakeWorld(ROWS, tps=4, cap_usd=PRICE_USD * affordable)
        self.workers = 0
        self.opted_out: dict[str, int] = {}
        """Destinations with the number of calls made before they opted out."""
        self.arrived: set[str] = set()

    @rule(
        seconds=st.sampled_from([1, 2, 5]),
        kill_at=st.none() | st.integers(1, 60),
        when=st.sampled_from(When),
        recover=st.booleans(),
        beside=st.booleans(),
    )
    def work(self, seconds: int, kill_at: int | None, when: When, recover: bool, beside: bool) -> None:
        world, runs = self.world, world_status(self.world) is CampaignStatus.RUNNING
        calls = len(world.calls)
        jobs = [world.worker(self._name(), kill_at=kill_at, when=when).dies(seconds=seconds, recover=recover)]
        if beside:
            jobs.append(world.worker(self._name()).dies(seconds=seconds, recover=True))
        world.run(*jobs)
        assert runs or len(world.calls) == calls, "nothing is sent of a campaign that does not run"

    @rule(microseconds=st.sampled_from([MICROSECOND, 40 * MICROSECOND, AFTER_EVERYTHING_US]))
    def time_passes(self, microseconds: int) -> None:
        self.world.time.advance_us(microseconds)

    @rule(new=st.sampled_from(ORDERS))
    def order(self, new: CampaignStatus) -> None:
        if new in TRANSITIONS[world_status(self.world)]:
            self.world.set_status(new)

    @rule(row=st.integers(0, ROWS - 1))
    def opt_out(self, row: int) -> None:
        destination = self.world.audience[row].destination
        if destination not in self.opted_out:
            self.opted_out[destination] = self._calls_to(destination)
            self.world.opted_out.add(destination)

    @rule(mood=st.sampled_from(sorted(MOODS)), every=st.integers(1, 4))
    def provider_changes(self, mood: str, every: int) -> None:
        answer = MOODS[mood]
        self.world.script = lambda message, attempt: answer if message.row.row % every == 0 else None

    @rule(row=st.integers(0, ROWS - 1), status=st.sampled_from([Status.DELIVERED, Status.FAILED, Status.READ]))
    def receipt(self, row: int, status: Status) -> None:
        message_id = keys.message(CAMPAIGN, row)
        if not self.world.accepted().get(message_id):
            return
        tracked = self.world.tracking[message_id]
        event = StatusEvent(status, self.world.time.now_us() // 1_000)
        tracked.state, tracked.version = fold(tracked.state, [event]), tracked.version + 1
        if tracked.state.status in ARRIVED:
            self.arrived.add(message_id)

    @invariant()
    def rows_and_money_add_up(self) -> None:
        if not hasattr(self, "world"):
            return
        meta, chunks = self.world.campaign, self.world.campaign.chunks.values()
        assert meta.spent_usd + meta.reserved_usd <= meta.cap_usd
        assert meta.done_rows == sum(chunk.rows for chunk in chunks if not chunk.open)
        reserved = sum((chunk.reserved_usd for chunk in chunks if chunk.open), Decimal(0))
        assert meta.reserved_usd == reserved + PRICE_USD * self._unrecorded
        assert all(accepted <= 1 for accepted in self.world.accepted().values())

    @property
    def _unrecorded(self) -> int:
        """Rows of claims whose workers died before they opened the chunk."""
        meta = self.world.campaign
        return meta.claimed_rows - sum(chunk.rows for chunk in meta.chunks.values())

    @invariant()
    def who_has_opted_out_is_left_alone(self) -> None:
        for destination, calls in getattr(self, "opted_out", {}).items():
            assert self._calls_to(destination) == calls

    @invariant()
    def what_was_delivered_stays_delivered(self) -> None:
        for message_id in getattr(self, "arrived", ()):
            assert self.world.tracking[message_id].state.status in ARRIVED

    def teardown(self) -> None:
        """Left alone with a provider that takes calls, the campaign ends, and each row is in one state."""
        if not hasattr(self, "world"):
            return
        world, meta = self.world, self.world.campaign
        world.script = lambda message, attempt: None
        if meta.status is CampaignStatus.PAUSED:
            world.set_status(CampaignStatus.RUNNING)
        for _ in range(6):
            world.time.advance_us(AFTER_EVERYTHING_US)
            if meta.status is CampaignStatus.RUNNING:
                world.run(world.worker(self._name()).dies(seconds=120, recover=True))
        self.rows_and_money_add_up()
        assert meta.status not in OPEN_STATUSES
        left_open = sum(chunk.rows for chunk in meta.chunks.values() if chunk.open)
        tracked = len(world.statuses())
        if meta.status is CampaignStatus.COMPLETED:
            assert (left_open, meta.unsent, tracked + meta.suppressed) == (0, 0, ROWS)
            assert_conserved(world)
            assert meta.reserved_usd == Decimal(0)
        else:
            unclaimed = ROWS - meta.claimed_rows
            settled = tracked + meta.suppressed + meta.unsent + unclaimed
            assert settled <= ROWS <= settled + left_open + self._unrecorded

    def _name(self) -> str:
        self.workers += 1
        return f"w{self.workers}"

    def _calls_to(self, destination: str) -> int:
        return sum(call.destination == destination for call in self.world.calls)


def world_status(world: FakeWorld) -> CampaignStatus:
    """The campaign's status, read as a fresh value."""
    return world.campaign.status


TestSendingMachine = SendingMachine.TestCase
if settings.default is not None and settings.default.max_examples < 1_000:
    # A run of a worker costs milliseconds: the suite tries fewer histories, `make reliability` all of its profile's.
    TestSendingMachine.settings = settings(max_examples=60)
