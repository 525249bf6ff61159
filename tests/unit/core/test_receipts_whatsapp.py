"""Delivery receipts of WhatsApp: a webhook's entry with any number of statuses, ids of several kinds, Meta's codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.correlation import callback_data, read_callback_data
from lambdas.core.lifecycle import MessageState, Status, fold
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import (
    Receipt,
    ReceiptClass,
    Suppression,
    UnknownEvent,
)
from lambdas.core.whatsapp_receipts import FAILURE_CLASSES, STATUSES
from tests.support import golden

META_CODES = {
    "131026", "131047", "131049", "131050", "130472", "131056", "130429", "131042", "131031", "368", "132000", "132001",
    "132005", "132007", "132012", "132015", "132016", "131000", "131008", "131009", "131016", "131021", "131045",
    "131048", "131051", "131052", "131053", "133010",
}  # fmt: skip
"""Those of Meta's "Error codes" that a message can meet."""


def status(**changes: Any) -> dict[str, Any]:
    """The documented status with changes; a value of `...` removes the field."""
    entry = json.loads(golden.load("whatsapp/topic-sent").event["whatsAppWebhookEntry"])
    document = {**entry["changes"][0]["value"]["statuses"][0], **changes}
    return {name: value for name, value in document.items() if value is not ...}


def notification(*values: Any, **header: Any) -> str:
    """What the topic gets for a webhook with a change per value."""
    event = {**golden.load("whatsapp/topic-sent").event, **header}
    event["whatsAppWebhookEntry"] = json.dumps(
        {"id": "1", "changes": [{"field": "messages", "value": v} for v in values]}
    )
    return json.dumps({name: value for name, value in event.items() if value is not ...})


def parsed(**changes: Any) -> Receipt:
    """The receipt of the changed status."""
    (receipt,) = parse_receipts(notification({"statuses": [status(**changes)]}))
    return receipt


def failed(code: object) -> Receipt:
    """The receipt of a failure with this code."""
    return parsed(status="failed", errors=[{"code": code, "title": "a title"}])


def test_one_entry_may_hold_several_statuses() -> None:
    first, second = status(status="delivered"), status(status="read", timestamp="1736379050")
    receipts = parse_receipts(notification({"statuses": [first, second]}, {"statuses": [status()]}))
    assert [(each.event.status, each.event.at_ms) for each in receipts] == [
        (Status.DELIVERED, 1_736_379_042_999),
        (Status.READ, 1_736_379_050_999),
        (Status.SENT, 1_736_379_042_999),
    ]


@pytest.mark.parametrize(("word", "ours"), sorted(STATUSES.items()))
def test_each_status_becomes_ours(word: str, ours: Status) -> None:
    assert parsed(status=word).event.status is ours


@given(
    called_ms=st.integers(10**12, 2 * 10**12),
    accepted_after_ms=st.integers(0, 500),
    happened_after_ms=st.integers(0, 5_000),
    word=st.sampled_from(["sent", "delivered", "read"]),
)
def test_no_status_is_older_than_the_call_though_its_time_is_in_seconds(
    called_ms: int, accepted_after_ms: int, happened_after_ms: int, word: str
) -> None:
    accepted_ms = called_ms + accepted_after_ms
    row = MessageState(Status.SENT, {Status.SENDING: called_ms, Status.SENT: accepted_ms})
    happened_ms = called_ms + happened_after_ms
    event = parsed(status=word, timestamp=str(happened_ms // 1_000)).event
    assert 0 <= event.at_ms - happened_ms < 1_000
    after = fold(row, [event, event])
    assert min(after.history.values()) == called_ms
    if word == "sent" and happened_ms // 1_000 >= accepted_ms // 1_000:
        assert after == row, "it tells nothing new and costs no write"


def test_our_ids_come_back_as_callback_data() -> None:
    receipt = parsed(biz_opaque_callback_data=callback_data("dev", "spring-0000001"))
    assert (receipt.stack, receipt.message_id) == ("dev", "spring-0000001")


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_callback_data_is_read_back(stack: str, message_id: str) -> None:
    assert read_callback_data(callback_data(stack, message_id)) == (stack, message_id)
    assert len(callback_data(stack, message_id)) <= 512, "Meta's limit of the field"


@pytest.mark.parametrize("text", ["", "/", "dev", "dev/", "/spring-0000001", "dev/a b", 5, None, ["dev/a"]])
def test_callback_data_of_others_names_no_message(text: object) -> None:
    assert parsed(biz_opaque_callback_data=text).message_id is None


def test_no_id_of_meta_or_of_a_notification_reaches_the_row() -> None:
    assert parsed().event.provider_id is None
    (on_bus,) = parse_receipts(golden.load("whatsapp/bus-delivered").body)
    assert on_bus.event.provider_id is None
    assert on_bus.provider_id == "4bee7d29-70f5-4a49-b84e-facf4424fe58"


def test_without_the_header_s_id_the_row_is_looked_for_by_meta_s() -> None:
    (receipt,) = parse_receipts(notification({"statuses": [status()]}, messageId=...))
    assert receipt.provider_id == status()["id"]


def test_every_code_of_meta_has_a_class() -> None:
    assert FAILURE_CLASSES.keys() >= META_CODES
    assert failed(131026).failure is ReceiptClass.FAIL_OVER
    assert failed(131056).failure is ReceiptClass.RETRY
    assert failed(131042).failure is ReceiptClass.STOP
    assert failed(132015).failure is ReceiptClass.STOP
    assert failed(200).failure is failed(299).failure is ReceiptClass.STOP


@pytest.mark.parametrize("code", [999_999, "999999"])
def test_an_unknown_code_is_kept_and_fails_over(code: object) -> None:
    assert (failed(code).event.code, failed(code).failure) == ("999999", ReceiptClass.FAIL_OVER)


@pytest.mark.parametrize("errors", [..., [], [{}], [{"code": "+14255550156"}], [{"code": "9" * 20}], [{"code": True}]])
def test_a_failure_without_a_readable_code_goes_by_its_status(errors: object) -> None:
    receipt = parsed(status="failed", errors=errors)
    assert (receipt.event.code, receipt.failure) == ("failed", ReceiptClass.FAIL_OVER)


def test_who_stopped_marketing_messages_is_an_opt_out() -> None:
    receipt = failed(131050)
    assert (receipt.failure, receipt.suppression) == (ReceiptClass.SUPPRESS, Suppression.OPT_OUT)
    assert (receipt.destination, receipt.event.flags) == ("+01234567890", frozenset({"opt_out"}))


def test_an_opt_out_is_flagged_by_the_path_that_tells_whose() -> None:
    sample = golden.load("whatsapp/bus-failed")
    sample.event["detail"]["errors"][0]["code"] = 131050
    (receipt,) = parse_receipts(sample.body)
    assert (receipt.failure, receipt.suppression, receipt.event.flags) == (ReceiptClass.SUPPRESS, None, frozenset())


def test_whoever_reports_a_failure_had_accepted_the_message() -> None:
    assert [event.status for event in failed(131026).events()] == [Status.SENT, Status.FAILED]
    assert [event.status for event in parsed().events()] == [Status.SENT]


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"from": "14255550150", "id": "wamid.x", "type": "text", "text": {"body": "STOP"}}]},
        {"errors": [{"code": 130429, "title": "Rate limit hit"}]},
        {"event": "APPROVED", "message_template_name": "statement"},
        {"statuses": []},
    ],
)
def test_what_shares_the_topic_and_is_no_receipt_gives_none(value: dict[str, Any]) -> None:
    assert parse_receipts(notification(value)) == []
    (receipt,) = parse_receipts(notification(value, {"statuses": [status()]}))
    assert receipt.event.status is Status.SENT


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "brand_new"},
        {"status": ...},
        {"status": ["sent"]},
        {"timestamp": ...},
        {"timestamp": "2025-01-08T23:30:43Z"},
        {"timestamp": "9" * 30},
        {"timestamp": "\u0661\u0667\u0663"},
        {"timestamp": 1.5},
        {"timestamp": True},
        {"timestamp": "0"},
        {"status": "failed", "errors": "131026"},
        {"status": "failed", "errors": ["131026"]},
    ],
)
def test_what_this_version_does_not_know_is_parked(changes: dict[str, Any]) -> None:
    good = status()
    with pytest.raises(UnknownEvent):
        parse_receipts(notification({"statuses": [good, status(**changes)]}))


@pytest.mark.parametrize(
    "entry", [None, 5, "", "no json", "[]", "{}", '{"changes": 5}', '{"changes": [5]}', '{"changes": []}']
)
def test_an_entry_that_is_none_is_parked(entry: object) -> None:
    body = json.dumps({**golden.load("whatsapp/topic-sent").event, "whatsAppWebhookEntry": entry})
    with pytest.raises(UnknownEvent):
        parse_receipts(body)


def test_a_type_of_the_bus_that_is_new_is_parked() -> None:
    event = golden.load("whatsapp/bus-sent").event | {"detail-type": "WhatsApp Message Translated"}
    with pytest.raises(UnknownEvent, match="WhatsApp Message Translated"):
        parse_receipts(json.dumps(event))
