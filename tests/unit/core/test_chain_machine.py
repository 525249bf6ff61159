"""Chains under everything that can happen to them: receipts in any order and number, deadlines, death at each write."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lambdas.core.chain_terms import Cause, ChainTerms
from lambdas.core.chains import LATE, Ended, Wait, next_step
from lambdas.core.channels import Channel
from lambdas.core.lifecycle import FINAL, Status, StatusEvent
from tests.support.chain_world import PRICE, ROOT, ChainWorld

CODES = {
    "sms": ("UNREACHABLE", "UNKNOWN", "INVALID", "SPAM"),
    "whatsapp": ("131026", "130429", "131050", "131031"),
    "email": ("Transient/General", "Permanent/General", "Reject"),
}
DIES_AT = st.one_of(st.none(), st.integers(1, 4))


class ChainMachine(RuleBasedStateMachine):
    """One message with its legs; time passes only by the rule that says so."""

    @initialize(
        channels=st.permutations(list(Channel)).flatmap(lambda all_: st.integers(1, 3).map(lambda n: tuple(all_[:n]))),
        after_s=st.sampled_from([None, 30, 600]),
        retries=st.integers(0, 2),
        valid_s=st.sampled_from([None, 300, 3_600]),
    )
    def order(self, channels: tuple[str, ...], after_s: int | None, retries: int, valid_s: int | None) -> None:
        self.world = ChainWorld(ChainTerms(channels, after_s if len(channels) > 1 else None, retries, valid_s))

    @rule(
        place=st.integers(0, 9),
        answer=st.sampled_from(["sent", "refused", "in_doubt"]),
        again=st.booleans(),
        die_at=DIES_AT,
        after=st.booleans(),
    )
    @precondition(lambda self: self.world.outbox)
    def send(self, place: int, answer: str, again: bool, die_at: int | None, after: bool) -> None:
        place %= len(self.world.outbox)
        self.world.take_order(place, answer, die_at=die_at, after=after, again=again and len(self.world.outbox) < 6)

    @rule(place=st.integers(0, 9), die_at=DIES_AT, after=st.booleans())
    @precondition(lambda self: self.world.watches)
    def look(self, place: int, die_at: int | None, after: bool) -> None:
        self.world.take_watch(place % len(self.world.watches), die_at=die_at, after=after)

    @rule(
        place=st.integers(0, 9),
        status=st.sampled_from([Status.SENT, Status.FAILED, Status.FAILED, Status.DELIVERED, Status.READ]),
        code=st.integers(0, 3),
        earlier_ms=st.integers(0, 5_000),
        copies=st.integers(1, 2),
    )
    @precondition(lambda self: self.world.calls)
    def receipt(self, place: int, status: Status, code: int, earlier_ms: int, copies: int) -> None:
        called = sorted(self.world.calls)
        row = self.world.rows[called[place % len(called)]]
        assume(row.state.status is not Status.FAILED or row.state.is_accepted)
        codes = CODES[row.channel]
        event = StatusEvent(
            status,
            max(row.created_ms, self.world.now_ms - earlier_ms),
            code=codes[code % len(codes)] if status is Status.FAILED else None,
        )
        for _ in range(copies):
            self.world.change(row.message_id, [StatusEvent(Status.SENT, event.at_ms), event])

    @rule(seconds=st.sampled_from([1, 29, 31, 66, 601, 4_000]))
    def time_passes(self, seconds: int) -> None:
        self.world.now_ms += seconds * 1_000

    @invariant()
    def each_leg_is_called_once_at_most(self) -> None:
        assert all(calls == 1 for calls in self.world.calls.values())

    @invariant()
    def money_is_spent_on_calls_that_may_have_been_taken(self) -> None:
        refused = sum(row.state.code == "ValidationException" for row in self.world.rows.values())
        handed_over = self.world.calls.total() - refused
        assert handed_over * PRICE <= self.world.spent <= self.world.calls.total() * PRICE

    @invariant()
    def a_leg_follows_a_failure_or_a_deadline(self) -> None:
        stored = self.world.stored()
        if stored is None:
            return
        terms = self.world.terms
        choices = [0, *(decision.choice for decision in stored.chain.decisions)]
        for number, decision in enumerate(stored.chain.decisions):
            before, row = choices[number], stored.rows[number]
            assert row is not None, "a leg is decided before the one before it is on record"
            if decision.cause is Cause.DEADLINE:
                assert terms.fallback_after_s is not None
                assert decision.at_ms >= row.created_ms + terms.fallback_after_s * 1_000
            else:
                assert Status.FAILED in row.state.history
            assert decision.choice == before + (decision.cause is not Cause.RETRY)
            assert decision.at_ms < stored.chain.ends_ms
        assert all(
            sum(each.cause is Cause.RETRY and each.choice == choice for each in stored.chain.decisions) <= terms.retries
            for choice in choices
        )

    @invariant()
    def orders_are_of_decided_legs(self) -> None:
        stored = self.world.stored()
        decisions = stored.chain.decisions if stored else ()
        for order in self.world.outbox:
            assert order is None or decisions[order.number - 1].choice == order.choice

    def teardown(self) -> None:
        """When everything waiting has been taken, no chain is left that could go on and has nobody to see to it."""
        world = getattr(self, "world", None)
        if world is None:
            return
        for _ in range(400):
            if world.outbox:
                world.take_order(0, "sent")
            due = [place for place, watch in enumerate(world.watches) if watch.due_ms <= world.now_ms]
            if due:
                world.take_watch(due[0])
            if not world.outbox and not due:
                if not world.watches:
                    break
                world.now_ms = max(world.now_ms, min(watch.due_ms for watch in world.watches))
            elif all(order and order.ordered_at_ms > world.now_ms for order in world.outbox) or world.rows:
                world.now_ms += 70_000
        stored = world.stored()
        assert stored is not None
        step = next_step(stored.chain, world.now_ms)
        assert isinstance(step, (Ended, Wait)), step
        if isinstance(step, Wait):
            assert step.until_ms is None
            last = stored.rows[-1]
            assert last is not None
            assert last.state.status not in FINAL
        self._flags_are_right(world)

    def _flags_are_right(self, world: ChainWorld) -> None:
        arrived = {
            row.message_id: min(
                row.state.history[each] for each in (Status.DELIVERED, Status.READ) if each in row.state.history
            )
            for row in world.rows.values()
            if {Status.DELIVERED, Status.READ} & row.state.history.keys()
        }
        for message_id in arrived:
            flags = world.rows[message_id].state.flags
            if LATE in flags:
                assert message_id == ROOT or len(world.rows) > 2
        if len(arrived) < 2:
            assert world.doubles == 0


TestChains = ChainMachine.TestCase
