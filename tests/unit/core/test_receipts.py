"""Queue messages of any form: garbage, and documented events with anything in their fields."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.lifecycle import Status
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt, UnknownEvent
from tests.support import golden

GOLDEN = golden.load_all()
PERSONAL = re.compile(r"\d{7,}|@")
"""What a number or an address leaves in a text."""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "[" * 100_000,
        "{}",
        '{"Type":"Notification","Message":"not json"}',
        '{"Type":"Notification","Message":"[1]"}',
        '{"Type":"SubscriptionConfirmation","Message":"You have chosen to subscribe"}',
        '{"source":"aws.ses","detail-type":"Email Sent","detail":{}}',
        '{"source":"aws.ses","detail-type":"Sending Status Disabled","detail":{}}',
        '{"source":"aws.sms-voice","detail-type":"Registration Status Change","detail":{}}',
        '{"source":"aws.sms-voice","detail-type":"Text Message Delivery Status Updated","detail":"x"}',
        '{"source":"aws.sms-voice","detail-type":["Text Message Delivery Status Updated"],"detail":{}}',
        '{"source":["aws.ses"],"detail-type":"Email Sent","detail":{}}',
        '{"source":"aws.social-messaging","detail-type":"WhatsApp Message Sent","detail":{}}',
        '{"a":' + "9" * 5_000 + "}",
    ],
)
def test_garbage_is_parked(body: str) -> None:
    with pytest.raises(UnknownEvent):
        parse_receipts(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"eventType":"TEXT_DELIVERED +14255550156","messageStatus":"+14255550156"}',
        '{"eventType":"someone@example.com"}',
        '{"eventType":"someone@example.com","mail":{}}',
        '{"source":"+14255550156","detail-type":"someone@example.com","detail":{}}',
        '{"whatsAppWebhookEntry":"{\\"changes\\":[{\\"value\\":{\\"statuses\\":[{\\"status\\":\\"+14255550156\\"}]}}]}"}',
    ],
)
def test_what_is_wrong_is_told_without_numbers_and_addresses(body: str) -> None:
    with pytest.raises(UnknownEvent) as parked:
        parse_receipts(body)
    assert not PERSONAL.search(str(parked.value))


personal = st.sampled_from(["+14255550156", "14255550156", "someone@example.com", "Some One <someone@example.com>"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | personal,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


def read(body: str) -> list[Receipt]:
    """The receipts of a body, none if it is parked with a reason that tells nothing personal."""
    reason = ""
    receipts: list[Receipt] = []
    try:
        receipts = parse_receipts(body)
    except UnknownEvent as error:
        reason = str(error)
    assert not PERSONAL.search(reason)
    for receipt in receipts:
        event = receipt.event
        assert re.fullmatch(r"[!-~]{1,256}", receipt.provider_id)
        assert receipt.message_id is None or re.fullmatch(r"[\w-]{1,128}", receipt.message_id)
        assert 0 < event.at_ms < 10**14
        assert event.price_usd is None or event.price_usd >= 0
        assert (event.status is Status.FAILED) == (event.code is not None) == (receipt.failure is not None)
        assert receipt.suppression is None or receipt.destination is not None
        assert (receipt.suppression is not None) == bool(event.flags - {"price_unit_suspicious"})
    return receipts


@given(st.text() | json_values.map(json.dumps))
def test_any_text_parses_or_is_parked(body: str) -> None:
    read(body)
    read(golden.in_envelope(body))


def places(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every field and list member of a document."""
    steps = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [place for key, value in steps for place in [(*here, key), *places(value, (*here, key))]]


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy with something else at one place, if that is still there."""
    if not place:
        return value
    if isinstance(document, dict):
        return {key: replaced(old, place[1:], value) if key == place[0] else old for key, old in document.items()}
    if isinstance(document, list):
        return [replaced(old, place[1:], value) if key == place[0] else old for key, old in enumerate(document)]
    return document


@given(st.sampled_from(GOLDEN), st.data())
def test_a_documented_event_with_anything_in_its_fields_parses_or_is_parked(
    sample: golden.Golden, data: st.DataObject
) -> None:
    document: Any = sample.event
    entry: Any = None
    if "whatsAppWebhookEntry" in document:
        entry = json.loads(document["whatsAppWebhookEntry"])
    whole: Any = {"event": document, "entry": entry}
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(whole)))
        whole = replaced(whole, place, data.draw(json_values))
    event = whole["event"]
    if entry is not None and isinstance(event, dict):
        event = {**event, "whatsAppWebhookEntry": json.dumps(whole["entry"])}
    read(json.dumps(event))


@given(st.sampled_from(GOLDEN), st.data())
def test_fields_that_nobody_documented_are_ignored(sample: golden.Golden, data: st.DataObject) -> None:
    added = {f"new-{key}": value for key, value in data.draw(st.dictionaries(st.text(max_size=5), json_values)).items()}
    event: dict[str, Any] = {**sample.event, **added}
    for key in ("detail", "mail", "bounce", "complaint"):
        if key in event:
            event[key] = {**event[key], **added}
    assert parse_receipts(json.dumps(event)) == parse_receipts(sample.body)
