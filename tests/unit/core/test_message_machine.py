"""One message as a state machine: answers, receipts of any path, copies, counting in any order, against its story."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lambdas.core.channels import Channel
from lambdas.core.counting import CounterKey
from lambdas.core.lifecycle import ARRIVED, RANK, Status
from tests.support.receipt_pipeline import ReceiptPipeline, cost, counted
from tests.support.receipt_storm import PRICES_USD, SCRIPTS, START_MS, Own, Story, Told, body_of, expected

WORDS = {channel: sorted({word for _, script in scripts for word, _ in script}) for channel, scripts in SCRIPTS.items()}


class MessageMachine(RuleBasedStateMachine):
    """The story so far is the model; the pipeline is the code under test."""

    @initialize(channel=st.sampled_from(list(Channel)), own=st.sampled_from(list(Own)), seed=st.integers(0, 9))
    def call(self, channel: Channel, own: Own, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.story = Story("spring", 1, channel, START_MS, own, ())
        self.pipeline = ReceiptPipeline()
        self.pipeline.intend(self.story)
        self.answered = False
        self.waiting: list[str] = []
        self.was = Status.SENDING

    @precondition(lambda self: not self.answered)
    @rule()
    def answer(self) -> None:
        self.pipeline.answer(self.story)
        self.answered = True

    @precondition(lambda self: self.story.own is not Own.REFUSED)
    @rule(
        data=st.data(), after_ms=st.integers(-120_000, 120_000), on_bus=st.booleans(), price=st.sampled_from(PRICES_USD)
    )
    def receipt(self, data: st.DataObject, after_ms: int, on_bus: bool, price: Decimal) -> None:
        at_ms = START_MS + after_ms
        if self.story.channel is Channel.WHATSAPP:
            at_ms = at_ms // 1_000 * 1_000 + 999
        told = Told(data.draw(st.sampled_from(WORDS[self.story.channel])), at_ms, on_bus, price)
        self.story = dataclasses.replace(self.story, told=(*self.story.told, told))
        self.waiting += self.pipeline.receive([body_of(self.story, told)])

    @precondition(lambda self: self.story.told)
    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        told = data.draw(st.sampled_from(self.story.told))
        self.waiting += self.pipeline.receive([body_of(self.story, told)])

    @rule()
    def what_had_no_match_comes_again(self) -> None:
        self.waiting = self.pipeline.receive(self.waiting)

    @rule()
    def count(self) -> None:
        self.pipeline.count(self.rnd)

    @invariant()
    def a_status_only_rises_and_an_arrival_stays(self) -> None:
        if not hasattr(self, "pipeline"):
            return
        status = self.pipeline.rows[self.story.message_id].state.status
        assert RANK[status] >= RANK[self.was]
        assert self.was not in ARRIVED or status in ARRIVED
        self.was = status

    def teardown(self) -> None:
        """Once everything is in, the counters say what the story comes to, and a row is in one state."""
        if not hasattr(self, "pipeline"):
            return
        if not self.answered:
            self.answer()
        self.what_had_no_match_comes_again()
        self.what_had_no_match_comes_again()
        self.count()
        (sums,) = expected([self.story]).values()
        counts = self.pipeline.counters[CounterKey("spring", "", self.story.channel.value)]
        assert counted(counts) == {name: n for name, n in sums.counts.items() if n}
        assert cost(counts) == sums.cost_usd.normalize()
        open_receipts = counts.sent - counts.delivered - counts.failed + counts.refused
        assert (open_receipts, counts.in_doubt, counts.delivered, counts.failed).count(1) == 1


TestMessageMachine = MessageMachine.TestCase
