"""Receipts of all channels, as they arrive, folded into rows: any order, any number of copies, either path."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel
from lambdas.core.correlation import callback_data
from lambdas.core.folding import ReceiptGroup, group_by_message, metrics_of_change, new_suppressions
from lambdas.core.lifecycle import ARRIVED, Counts, MessageState, Status, StatusEvent, contribution, fold
from lambdas.core.metrics import DELIVERY_LATENCY, FAILED_DELIVERIES, MESSAGE_COST
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt
from tests.support import golden

CALLED_MS = 1_759_466_000_000
MESSAGE = "spring-0000001"
PROVIDER_ID = "4bee7d29-70f5-4a49-b84e-facf4424fe58"
INTENT = MessageState(Status.SENDING, {Status.SENDING: CALLED_MS})
SENT = fold(INTENT, [StatusEvent(Status.SENT, CALLED_MS, provider_id=PROVIDER_ID)])
IN_DOUBT = fold(INTENT, [StatusEvent(Status.IN_DOUBT, CALLED_MS + 100)])


def sms(word: str, second: int, on_bus: bool) -> str:
    """A receipt of our Channel.SMS."""
    event = golden.load("sms/bus-delivered" if on_bus else "sms/topic-successful").event
    detail = event["detail"] if on_bus else event
    detail |= {"messageStatus": word, "eventTimestamp": CALLED_MS + second * 1_000, "messageId": PROVIDER_ID}
    if not on_bus:
        detail["context"] = {"message_id": MESSAGE, "stack": "dev"}
    return json.dumps(event)


def whatsapp(word: str, second: int, on_bus: bool) -> str:
    """A receipt of our WhatsApp message; `word` is a status or the code of a failure."""
    status, errors = ("failed", [{"code": int(word)}]) if word.isdigit() else (word, [])
    fields: dict[str, Any] = {"status": status, "errors": errors}
    at = str(CALLED_MS // 1_000 + second)
    if on_bus:
        event = golden.load(f"whatsapp/bus-{status}").event
        event["detail"] |= fields | {"eventTimestamp": at, "messageId": PROVIDER_ID}
        return json.dumps(event)
    event = golden.load("whatsapp/topic-sent").event
    entry = json.loads(event["whatsAppWebhookEntry"])
    entry["changes"][0]["value"]["statuses"][0] |= fields | {
        "timestamp": at,
        "biz_opaque_callback_data": callback_data("dev", MESSAGE),
    }
    return json.dumps(event | {"whatsAppWebhookEntry": json.dumps(entry)})


def email(name: str, second: int, on_bus: bool) -> str:
    """A receipt of our email, named as its golden event."""
    event = golden.load(f"email/{'bus' if on_bus else 'topic'}-{name}").event
    record = event["detail"] if on_bus else event
    at = (datetime.fromtimestamp(CALLED_MS / 1_000, UTC) + timedelta(seconds=second)).isoformat()
    for section in record.values():
        if isinstance(section, dict) and "timestamp" in section:
            section["timestamp"] = at
    record["mail"] |= {"messageId": PROVIDER_ID, "tags": {"message_id": [MESSAGE], "stack": ["dev"]}}
    return json.dumps(event)


EMAILS = [
    "send", "delivery", "bounce-permanent", "bounce-transient", "complaint", "reject", "delivery-delay",
    "rendering-failure", "open", "click", "subscription",
]  # fmt: skip
MAKERS: dict[str, tuple[Callable[[str, int, bool], str], list[str]]] = {
    Channel.SMS: (sms, ["PENDING", "SUCCESSFUL", "DELIVERED", "INVALID", "UNREACHABLE", "UNKNOWN"]),
    Channel.WHATSAPP: (whatsapp, ["sent", "delivered", "read", "131026", "131050", "131042"]),
    Channel.EMAIL: (email, EMAILS),
}


@st.composite
def bodies(draw: st.DrawFn, channel: str) -> list[str]:
    """Queue messages about one message of the channel."""
    make, words = MAKERS[channel]
    told = st.tuples(st.sampled_from(words), st.integers(1, 20), st.booleans())
    return [make(word, second, on_bus) for word, second, on_bus in draw(st.lists(told, max_size=7))]


def group(some: list[str]) -> ReceiptGroup:
    """All their receipts, as the processor puts them together."""
    receipts = [("q", MESSAGE, receipt) for body in some for receipt in parse_receipts(body)]
    return group_by_message(receipts).get(MESSAGE, ReceiptGroup())


def folded(state: MessageState, some: list[str]) -> MessageState:
    """The row after the queue messages."""
    return fold(state, group(some).events)


def counts(state: MessageState) -> Counts:
    return contribution(state, called_ms=CALLED_MS, estimate_usd=Decimal("0.005"))


by_channel = pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.EMAIL])


@by_channel
@given(data=st.data(), rnd=st.randoms(use_true_random=False), start=st.sampled_from([SENT, IN_DOUBT]))
def test_order_copies_and_batches_do_not_matter(
    channel: str, data: st.DataObject, rnd: random.Random, start: MessageState
) -> None:
    some = data.draw(bodies(channel))
    shuffled = some + [body for body in some if rnd.random() < 0.5]
    rnd.shuffle(shuffled)
    cut = rnd.randint(0, len(shuffled))
    once = folded(start, some)
    assert folded(start, shuffled) == once
    assert folded(folded(start, shuffled[:cut]), shuffled[cut:]) == once
    assert folded(once, some) == once, "a copy costs no write"


@by_channel
@given(data=st.data())
def test_no_receipt_changes_what_the_call_returned(channel: str, data: st.DataObject) -> None:
    assert folded(SENT, data.draw(bodies(channel))).provider_id == PROVIDER_ID


@by_channel
@given(data=st.data(), start=st.sampled_from([SENT, IN_DOUBT]))
def test_whatever_has_a_receipt_was_accepted(channel: str, data: st.DataObject, start: MessageState) -> None:
    some = data.draw(bodies(channel).filter(bool))
    after = counts(folded(start, some))
    assert (after.sent, after.refused, after.in_doubt) == (1, 0, 0)
    assert after.delivered + after.failed <= 1


@by_channel
@given(data=st.data(), rnd=st.randoms(use_true_random=False))
def test_each_reason_to_suppress_is_new_once(channel: str, data: st.DataObject, rnd: random.Random) -> None:
    """Whatever path comes first: the one that tells the destination changes the row."""
    some = data.draw(bodies(channel))
    arriving = some * 2
    rnd.shuffle(arriving)
    state, remembered = SENT, []
    for body in arriving:
        one = group([body])
        remembered += new_suppressions(state, one)
        state = fold(state, one.events)
    assert sorted(remembered) == sorted(new_suppressions(SENT, group(some)))
    assert {suppression.value for _, suppression in remembered} == state.flags - {"price_unit_suspicious"}


@by_channel
@given(data=st.data())
def test_each_row_is_worth_its_metrics_once(channel: str, data: st.DataObject) -> None:
    state, seen = SENT, []
    for body in data.draw(bodies(channel)) * 2:
        after = folded(state, [body])
        seen += metrics_of_change(state, after, channel=channel, called_ms=CALLED_MS)
        state = after
    assert sum(datum.metric is DELIVERY_LATENCY for datum in seen) == int(Status.DELIVERED in state.history)
    assert sum(datum.metric is FAILED_DELIVERIES for datum in seen) <= 1
    assert {datum.within for datum in seen} <= {channel.upper(), None}
    if channel != Channel.SMS:
        assert not [datum for datum in seen if datum.metric is MESSAGE_COST], "no price is told"
        assert state.cost_usd is None


def test_a_complaint_and_a_late_bounce_take_no_delivery_back() -> None:
    delivered = folded(SENT, [email("send", 1, False), email("delivery", 2, True)])
    after = folded(delivered, [email("bounce-permanent", 9, False), email("complaint", 90, False)])
    assert (after.status, after.flags) == (Status.DELIVERED, frozenset({"bounce", "complaint"}))
    assert (counts(after).delivered, counts(after).failed) == (1, 0)
    assert after.history[Status.FAILED] == CALLED_MS + 9_000


def test_a_delay_of_delivery_changes_nothing() -> None:
    assert folded(SENT, [email("delivery-delay", 600, True), email("send", 1, False)]) == SENT


def test_a_failure_in_doubt_is_resolved_without_the_provider_s_id() -> None:
    after = folded(IN_DOUBT, [whatsapp("131026", 3, False)])
    assert (after.status, after.code, after.provider_id) == (Status.FAILED, "131026", None)
    assert counts(after) == Counts(sent=1, failed=1, cost_usd=Decimal("0.005"))


def test_read_alone_is_an_arrival() -> None:
    after = folded(SENT, [whatsapp("read", 3, False)])
    assert after.status in ARRIVED
    assert counts(after).delivered == 1


def test_receipts_of_one_message_are_folded_together() -> None:
    sent, delivered = StatusEvent(Status.SENT, 1), StatusEvent(Status.DELIVERED, 2)
    groups = group_by_message(
        [
            ("q1", "spring-1", Receipt(Channel.SMS, "p1", "spring-1", None, sent)),
            ("q2", "spring-2", Receipt(Channel.SMS, "p2", "spring-2", None, sent)),
            ("q3", "spring-1", Receipt(Channel.SMS, "p1", None, None, delivered)),
        ]
    )
    assert list(groups) == ["spring-1", "spring-2"]
    assert groups["spring-1"].events == [sent, delivered]
    assert groups["spring-1"].queue_ids == ["q1", "q3"]
