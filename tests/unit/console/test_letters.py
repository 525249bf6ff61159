"""What is said of a dead letter: its reason as its consumer finds it, and its body without its people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError
from console.letter_bodies import shown_body
from console.letter_reasons import reason_of
from console.queues import Letter, find_queue, parse_number, parse_rate, queues_of
from console.sources.fake_outputs import fake_outputs
from lambdas.core.leg_order import LegOrder
from lambdas.core.watch import Watch
from lambdas.core.work import WorkToken
from tests.support import golden

CHANNELS = ("sms", "email")
ORDER = {"message_id": "m-1", "customer_id": "c", "channel": "sms", "phone": "+14254147755", "body": "code 123456"}
STREAM = {
    "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 6},
    "DDBStreamBatchInfo": {"shardId": "shard-7", "startSequenceNumber": "100", "batchSize": 12},
}


def letter(body: object, **attributes: str) -> Letter:
    text = body if isinstance(body, str) else json.dumps(body)
    return Letter(
        "id", text, 0, 1, "h", {name: {"DataType": "String", "StringValue": each} for name, each in attributes.items()}
    )


@pytest.mark.parametrize(
    ("queue", "body", "words", "readable"),
    [
        ("receipts", "{", "cannot be read: not JSON", False),
        ("receipts", {"source": "aws.ses", "detail-type": "Email Folded", "detail": {}}, "Email Folded", False),
        ("receipts", golden.load("sms/topic-successful").body, "readable now (sms", True),
        ("receipts", golden.load("whatsapp/topic-inbound-image").body, "no receipt", True),
        ("outbox", "no json", "the order is not JSON", False),
        ("outbox", {**ORDER, "message_id": None}, "no message_id", False),
        ("outbox", {**ORDER, "customer_id": 7}, "customer_id", False),
        ("outbox", {**ORDER, "channel": "whatsapp"}, "no channel whatsapp", False),
        ("outbox", ORDER, "readable now (sms)", True),
        ("legs", LegOrder("spring-0000007", 1, 1, 5).to_json(), "readable now (leg spring-0000007_1)", True),
        ("legs", {"leg": {"number": 1}, "ordered_at_ms": 5}, "a leg's chain_id", False),
        ("plan", {"campaign_id": "c-1"}, "planning campaign c-1 failed", True),
        ("plan", {"plan_id": "p-1"}, "planning the dry run p-1 failed", True),
        ("plan", {}, "names neither campaign", False),
        ("sms-work", WorkToken("c-1").to_json(), "campaign c-1", True),
        ("email-work", "[]", "not a work token", False),
        ("fallback", Watch(("m-1", "m-2")).to_json(), "2 chains", True),
        ("fallback", {}, "names no chains", False),
        ("sweep", {}, "tick", True),
        ("of-tomorrow", {}, "failed every attempt", True),
    ],
)
def test_the_reason_is_what_the_consumer_finds(queue: str, body: object, words: str, readable: bool) -> None:
    reason = reason_of(letter(body), queue, CHANNELS)
    assert words in reason.sentence
    assert (reason.readable, reason.movable) == (readable, True)


def test_what_a_rule_could_not_deliver_says_so() -> None:
    event = letter(
        golden.load("sms/bus-delivered").body,
        RULE_ARN="arn:aws:events:us-east-1:1:rule/sms-receipts",
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="the queue of +14254147755 refuses",
        RETRY_ATTEMPTS="185",
    )
    sentence = reason_of(event, "receipts", CHANNELS).sentence
    assert "rule sms-receipts could not deliver it after 185 attempts: NO_PERMISSIONS" in sentence
    assert "+14254147755" not in sentence


def test_positions_of_a_stream_cannot_be_moved() -> None:
    reason = reason_of(letter(STREAM), "campaign-counters", CHANNELS)
    assert "RetryAttemptsExhausted after 6 invocations; 12 records of shard shard-7" in reason.sentence
    assert not reason.movable


@given(st.text(max_size=300), st.sampled_from(["receipts", "outbox", "plan", "sms-work", "sweep", "campaign-counters"]))
def test_foreign_text_is_a_reason_of_one_line(body: str, queue: str) -> None:
    for text in (body, json.dumps({"campaign_id": body, "channel": body, "detail-type": body})):
        sentence = reason_of(letter(text, ERROR_MESSAGE=body), queue, CHANNELS).sentence
        assert sentence
        assert sentence.isprintable()
        assert shown_body(text).isprintable() or shown_body(text) == ""


NUMBERS = ["+14254147755", "14254147755"]


def holders(number: str) -> list[Any]:
    nested = {"statuses": [{"recipient_id": number, "status": "failed"}]}
    return [
        {"destinationPhoneNumber": number},
        {"phone": number, "body": f"your code is 123456, {number}", "variables": {"code": "123456"}},
        {"whatsAppWebhookEntry": json.dumps(nested)},
        {"Type": "Notification", "Message": json.dumps({"to": number})},
        f"neither JSON nor short: {number}, code",
    ]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_and_no_text_for_people_is_shown(number: str) -> None:
    for body in holders(number):
        shown = shown_body(body if isinstance(body, str) else json.dumps(body))
        assert number.removeprefix("+") not in shown
        assert "7755" in shown
        assert "123456" not in shown
    assert "someone" not in shown_body(json.dumps({"mail": {"destination": ["someone@example.com"]}}))


def test_the_form_of_a_message_is_kept() -> None:
    body = {"messageStatus": "BRAND_NEW", "eventTimestamp": 1686975103470, "context": {"stack": "dev"}}
    assert json.loads(shown_body(json.dumps(body))) == body


def test_a_queue_is_found_by_each_of_its_names() -> None:
    outputs = fake_outputs()
    names = {queue.name for queue in queues_of(outputs)}
    assert names >= {"receipts", "outbox", "plan", "sms-work", "sweep", "campaign-counters"}
    for name in ("sms-work", "sms-work-dlq", "fake-sms-work-queue-url", "fake-sms-work-dead-letter-queue-url"):
        assert find_queue(outputs, name).name == "sms-work"
    assert find_queue(outputs, "campaign-counters").url == ""
    with pytest.raises(ConsoleError, match="receipts, "):
        find_queue(outputs, "nothing")
    with pytest.raises(ConsoleError, match="no queue"):
        find_queue(outputs, "")


@pytest.mark.parametrize("value", ["0", "-1", "x", "nan", "inf", "501", ""])
def test_nonsense_rates_are_refused(value: str) -> None:
    with pytest.raises(ConsoleError, match="rate"):
        parse_rate(value)


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "11", "", "²", "9" * 5_000])
def test_nonsense_numbers_are_refused(value: str) -> None:
    with pytest.raises(ConsoleError, match="the limit"):
        parse_number(value, "the limit", 10)
