"""The message sender's own decisions: what it cannot send, what comes again, what it counts, whose turn it is."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from lambdas.adapters import aws
from lambdas.core.campaign_request import RequestError
from lambdas.core.channels import Channel, Route, routes_to_text
from lambdas.core.identity_calendar import Calendar, IdentityLease
from lambdas.core.metrics import Datum
from lambdas.core.pacing import Wait
from lambdas.core.single_sending import SingleOutcome
from lambdas.message_sender.settings import MessageSenderSettings
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.virtual_time import VirtualTime

ORDER = {"message_id": "code-1", "customer_id": "c-1", "channel": "sms", "phone": "+14254147755", "body": "hello"}


@pytest.fixture(scope="module")
def sender() -> Iterator[ModuleType]:
    """The function's module in an environment of its own."""
    values = {
        "ENVIRONMENT": "local", "STACK": "dev", "PROJECT": "cpaas", "REGION": "us-east-1", "CAMPAIGNS_TABLE": "c",
        "DELIVERY_TRACKING_TABLE": "d", "RATE_LIMITS_TABLE": "r", "OUTBOX_QUEUE_URL": "http://127.0.0.1:9/q",
        "CHANNELS": routes_to_text({Channel.SMS: Route("", "", 10, 10), Channel.EMAIL: Route("", "", 10, 10)}),
        "SMS_CONFIGURATION_SET": "s", "EMAIL_CONFIGURATION_SET": "e", "DAILY_CAP_USD": "5", "RETENTION_DAYS": "1",
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
    document = {**ORDER, **changes}
    return sender._read(json.dumps({name: value for name, value in document.items() if value is not None}))


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
        sender._render(read(sender, **changes))
    assert "14254147755" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000])
def test_what_is_not_json(sender: ModuleType, body: str) -> None:
    with pytest.raises(sender.UnsendableOrder, match="not JSON"):
        sender._read(body)


def test_what_is_no_order(sender: ModuleType) -> None:
    with pytest.raises(RequestError, match="customer_id"):
        read(sender, customer_id=5)


def test_what_can_be_sent_is_rendered_and_priced(sender: ModuleType) -> None:
    row = sender._render(read(sender, body="hi {{ name }}", variables={"name": "you"}))
    assert (row.destination, row.country, row.content.body, row.price_usd) == (
        "+14254147755",
        "US",
        "hi you",
        PRICE_USD,
    )


def record(**attributes: Any) -> dict[str, Any]:
    return {"body": "x", "messageId": "m", "attributes": {"SentTimestamp": "1000"}, "messageAttributes": attributes}


def test_an_order_that_comes_again_keeps_the_time_it_was_first_seen(sender: ModuleType) -> None:
    assert sender._again(record()).first_seen_ms == 1_000
    again = record(first_seen_ms={"stringValue": "500", "dataType": "Number"})
    assert sender._again(again).first_seen_ms == 500


@pytest.mark.parametrize(
    ("channel", "outcome", "metrics"),
    [
        (Channel.SMS, SingleOutcome.SENT, {"MessagesSent": 1}),
        (Channel.EMAIL, SingleOutcome.SENT, {"MessagesSent": 1, "MessageCost": 0.00881, "TotalCost": 0.00881}),
        (Channel.SMS, SingleOutcome.REFUSED, {"FailedDeliveries": 1}),
        (Channel.SMS, SingleOutcome.NOT_SENT, {"FailedDeliveries": 1}),
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


class SlowLimiter:
    """Takes a tenth of a second for each lease."""

    def __init__(self, clock: VirtualTime) -> None:
        self.clock = clock
        self.calendar = Calendar(100_000)

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int
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
