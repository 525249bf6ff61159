"""The message sender's own decisions: what it cannot send, what comes again, what it counts, whose turn it is."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lambdas.adapters import aws
from lambdas.adapters.queues import PostponedMessage
from lambdas.core.campaign_request import RequestError
from lambdas.core.channels import Channel, Route, routes_to_text
from lambdas.core.identity_calendar import Calendar, IdentityLease
from lambdas.core.metrics import Datum
from lambdas.core.pacing import Wait
from lambdas.core.pumping_guard import GuardLimits
from lambdas.core.queue_messages import MAX_BATCH_BYTES
from lambdas.core.single_sending import SingleOutcome
from lambdas.message_sender.settings import MessageSenderSettings
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.virtual_time import VirtualTime

NOW_MS = 60_000
ORDER = {"message_id": "code-1", "customer_id": "c-1", "channel": "sms", "phone": "+14254147755", "body": "hello"}


@pytest.fixture(scope="module")
def sender() -> Iterator[ModuleType]:
    """The function's module in an environment of its own."""
    values = {
        "ENVIRONMENT": "local", "STACK": "dev", "PROJECT": "cpaas", "REGION": "us-east-1", "CAMPAIGNS_TABLE": "c",
        "DELIVERY_TRACKING_TABLE": "d", "RATE_LIMITS_TABLE": "r", "OUTBOX_QUEUE_URL": "http://127.0.0.1:9/o",
        "LEGS_QUEUE_URL": "http://127.0.0.1:9/l",
        "FALLBACK_QUEUE_URL": "http://127.0.0.1:9/f", "CONTENT_BUCKET": "b",
        "CHANNELS": routes_to_text({Channel.SMS: Route("", "", 10, 10), Channel.EMAIL: Route("", "", 10, 10)}),
        "PRICES": "{}", "SMS_CONFIGURATION_SET": "s", "EMAIL_CONFIGURATION_SET": "e", "DAILY_CAP_USD": "5",
        "CAMPAIGNS_DAILY_CAP_USD": "5",
        "RETENTION_DAYS": "1",
        "ALLOWED_COUNTRIES": "US,DE", "PUMPING_GUARD": GuardLimits().to_text(),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        aws.client.cache_clear()
        yield importlib.import_module("lambdas.message_sender.handler")
    sys.modules.pop("lambdas.message_sender.handler")
    aws.client.cache_clear()


def test_the_environment_above_is_the_whole_of_it(sender: ModuleType) -> None:
    assert isinstance(sender.SETTINGS, MessageSenderSettings)


def read(sender: ModuleType, **changes: Any) -> Any:
    document = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    return sender.TASKS.read(record(body=json.dumps(document)), NOW_MS)


def record(body: str = "x", **attributes: Any) -> dict[str, Any]:
    return {"body": body, "messageId": "m", "attributes": {"SentTimestamp": "1000"}, "messageAttributes": attributes}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"message_id": None}, "no message_id"),
        ({"channel": "whatsapp"}, "no channel whatsapp"),
        ({"phone": "12"}, "no valid sms destination"),
        ({"body": "{{ name }}"}, "missing_variable name"),
        ({"body": "{{ name }}", "variables": {"name": ""}}, "empty"),
    ],
)
def test_an_order_that_can_never_be_sent_says_why_without_its_texts(
    sender: ModuleType, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(sender.UnsendableOrder, match=problem) as caught:
        read(sender, **changes)
    assert "14254147755" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000])
def test_what_is_not_json(sender: ModuleType, body: str) -> None:
    with pytest.raises(sender.UnsendableOrder, match="not JSON"):
        sender.TASKS.read(record(body=body), NOW_MS)


def test_what_is_no_order(sender: ModuleType) -> None:
    with pytest.raises(RequestError, match="customer_id"):
        read(sender, customer_id=5)


def test_what_can_be_sent_is_rendered_and_priced(sender: ModuleType) -> None:
    row = read(sender, body="hi {{ name }}", variables={"name": "you"}).row
    assert (row.destination, row.country, row.content.body, row.price_usd) == (
        "+14254147755",
        "US",
        "hi you",
        PRICE_USD,
    )


def test_an_order_that_comes_again_keeps_the_time_it_was_first_seen(sender: ModuleType) -> None:
    assert sender._again(sender._Handled(record())).first_seen_ms == 1_000
    again = record(first_seen_ms={"stringValue": "500", "dataType": "Number"})
    assert sender._again(sender._Handled(again)).first_seen_ms == 500


@pytest.mark.parametrize(
    ("outcome", "size", "stays"),
    [
        (None, 1, True),
        (SingleOutcome.SENT, MAX_BATCH_BYTES, False),
        (SingleOutcome.LATER, MAX_BATCH_BYTES - 128, False),
        (SingleOutcome.LATER, MAX_BATCH_BYTES, True),
    ],
)
def test_what_is_too_large_to_be_put_back_stays_in_the_queue_alone(
    sender: ModuleType, outcome: SingleOutcome | None, size: int, stays: bool
) -> None:
    assert sender._Handled({**record(), "body": "x" * size}, outcome).stays is stays


@pytest.mark.parametrize(
    ("channel", "outcome", "metrics"),
    [
        (Channel.SMS, SingleOutcome.SENT, {"MessagesSent": 1}),
        (Channel.EMAIL, SingleOutcome.SENT, {"MessagesSent": 1, "MessageCost": 0.00881, "TotalCost": 0.00881}),
        (Channel.SMS, SingleOutcome.REFUSED, {"FailedDeliveries": 1}),
        (Channel.SMS, SingleOutcome.NOT_SENT, {"FailedDeliveries": 1}),
        (Channel.EMAIL, SingleOutcome.IN_DOUBT, {"MessageCost": 0.00881, "TotalCost": 0.00881}),
        (Channel.EMAIL, SingleOutcome.REFUSED, {"FailedDeliveries": 1}),
        (Channel.SMS, SingleOutcome.SUPPRESSED, {}),
        (Channel.SMS, SingleOutcome.LATER, {}),
        (Channel.SMS, SingleOutcome.DONE_BEFORE, {}),
    ],
)
def test_what_is_counted(
    sender: ModuleType, channel: Channel, outcome: SingleOutcome, metrics: dict[str, float]
) -> None:
    data: list[Datum] = sender._metrics(channel, outcome, planned_row(0), 2)
    counted = {datum.metric.name: datum.value for datum in data}
    assert counted == {"ThrottledMessages": 2, **metrics}


def test_ten_threads_that_need_a_provider_at_once_make_one(sender: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Channel] = []
    another = threading.Event()

    def make(channel: Channel, **_: Any) -> object:
        made.append(channel)
        if len(made) > 1:
            another.set()
        another.wait(0.2)
        return object()

    monkeypatch.setattr(sender, "make_provider", make)
    sender._new_provider.cache_clear()
    with ThreadPoolExecutor(10) as pool:
        found = set(pool.map(sender._provider, [Channel.EMAIL] * 10))
    sender._new_provider.cache_clear()
    assert (made, len(found)) == ([Channel.EMAIL], 1)


class Outbox:
    """The queue's calls as the sender makes them."""

    def __init__(self) -> None:
        self.again: list[PostponedMessage] = []
        self.held: list[tuple[str, int]] = []

    def send_again(self, messages: list[PostponedMessage]) -> None:
        self.again += messages

    def hold(self, receipt_handle: str, seconds: int) -> None:
        self.held.append((receipt_handle, seconds))
        if receipt_handle == "handle-gone":
            raise ConnectionError("the queue is away")


class Ending:
    """What `_send` is replaced with: each record's body says how it ends."""

    def __init__(self, sender: ModuleType) -> None:
        self._sender = sender

    def __call__(self, record: dict[str, Any], *_: Any, **__: Any) -> Any:
        body = record["body"]
        if body == "broken":
            raise ConnectionError("the store is away")
        if body == "unreadable":
            raise self._sender.UnsendableOrder("the order is not JSON")
        outcome, age_s, code = body.split()
        stopped = (Channel.SMS, code) if code != "-" else None
        return self._sender._Handled(record, SingleOutcome(outcome), (), float(age_s), stopped)


Batch = Callable[..., tuple[dict[str, Any], Outbox, list[dict[str, Any]]]]


@pytest.fixture
def batch(sender: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Batch:
    """Run the handler over records of these bodies; its answer, what it asked of the queue, and what it logged."""

    def run(*bodies: str, received: int = 1, handle: str = "handle", queue: str = "OUTBOX") -> Any:
        outbox = Outbox()
        monkeypatch.setattr(sender, queue, outbox)
        monkeypatch.setattr(sender, "_send", Ending(sender))
        records = [
            {
                "messageId": str(number),
                "receiptHandle": f"{handle}-{number}" if handle == "handle" else handle,
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue[0].lower()}",
                "body": body,
                "attributes": {"SentTimestamp": "1000", "ApproximateReceiveCount": str(received)},
            }
            for number, body in enumerate(bodies)
        ]
        answer = sender.handler({"Records": records}, SimpleNamespace(aws_request_id="r"))
        return answer, outbox, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_what_failed_comes_back_within_seconds_and_less_often_each_time(batch: Batch) -> None:
    for received, delay_s in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (1_000, 60)):
        answer, outbox, _ = batch("broken", "sent 1 -", "unreadable", received=received)
        assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["0", "2"]
        assert outbox.held == [("handle-0", delay_s), ("handle-2", delay_s)]


def test_a_campaign_s_leg_goes_back_to_its_own_queue_and_makes_no_single_message_look_late(batch: Batch) -> None:
    answer, legs, log = batch("broken", "later 1 -", queue="LEGS")
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["0"]
    assert (legs.held, len(legs.again)) == ([("handle-0", 5)], 1)
    assert [line["OutboxAge"] for line in log if "OutboxAge" in line] == [1.0], "what failed is no single message"


def test_a_queue_that_cannot_be_told_costs_time_and_no_message(batch: Batch) -> None:
    answer, _, log = batch("broken", "sent 1 -", handle="handle-gone")
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["0"]
    assert [line["level"] for line in log if line.get("event") == "order comes back late"] == ["WARNING"]


def test_a_provider_that_refuses_everything_is_said_once_a_batch(batch: Batch) -> None:
    _, outbox, log = batch(*["later 1 ACCOUNT_DISABLED"] * 3, "later 1 -")
    (line,) = [line for line in log if line.get("event") == "the provider refuses everything"]
    assert (line["level"], line["channel"], line["code"], line["messages"]) == ("ERROR", "sms", "ACCOUNT_DISABLED", 3)
    assert sorted(each.delay_s for each in outbox.again) == [5, 30, 30, 30]


def test_the_oldest_of_what_waits_or_was_sent_is_measured(batch: Batch) -> None:
    def ages(log: list[dict[str, Any]]) -> list[float]:
        return [line["OutboxAge"] for line in log if "OutboxAge" in line]

    _, _, log = batch("later 70.5 -", "sent 3 -")
    assert ages(log) == [70.5]
    _, _, log = batch("broken", "sent 3 -")
    assert ages(log)[0] > 86_400, "of what failed the queue knows the age"
    _, _, log = batch("unreadable")
    assert ages(log) == []


class SlowLimiter:
    """Takes a tenth of a second for each lease."""

    def __init__(self, clock: VirtualTime) -> None:
        self.clock = clock
        self.calendar = Calendar(100_000)

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        self.clock.advance_us(100_000)
        booked = self.calendar.reserve(
            owner, parts, now_us=self.clock.now_us(), not_before_us=not_before_us, milli_rate=milli_rate
        )
        assert not isinstance(booked, Wait)
        lease, self.calendar = booked
        return lease


class OthersFirst:
    """A lock for which one waits, while the clock moves on."""

    def __init__(self, clock: VirtualTime, microseconds: int) -> None:
        self._clock, self._microseconds = clock, microseconds

    def __enter__(self) -> None:
        self._clock.advance_us(self._microseconds)

    def __exit__(self, *_: object) -> None:
        return None


def test_waiting_for_ones_turn_does_not_use_up_the_lead(sender: ModuleType) -> None:
    clock = VirtualTime()
    turns = sender.Turns(SlowLimiter(clock), clock)
    turns._lock = OthersFirst(clock, 500_000)
    began = clock.now_us()
    lease = turns.reserve("!code", 1, not_before_us=began + 200_000, milli_rate=10**9, wanted_us=began)
    assert lease.start_us == began + 500_000 + 200_000
