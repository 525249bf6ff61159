"""Inbound messages on the receipts' paths: the documented SMS, WhatsApp's texts and buttons, and everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.core.channels import Channel
from lambdas.core.inbound import InboundMessage, inbound_messages
from lambdas.core.number_forms import written_forms
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import UnknownEvent
from tests.support import golden

SMS = {
    "originationNumber": "+14255550182",
    "destinationNumber": "+12125550101",
    "messageKeyword": "KEYWORD_555",
    "messageBody": "Stop",
    "inboundMessageId": "cae173d2-66b9-564c-8309-21f858e9fb84",
    "previousPublishedMessageId": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
"""As the user guide's "Two-way SMS messaging" shows it."""


def whatsapp(*messages: object) -> str:
    """A topic's notification with inbound messages."""
    value = {"messaging_product": "whatsapp", "messages": list(messages)}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({**golden.load("whatsapp/topic-sent").event, "whatsAppWebhookEntry": json.dumps(entry)})


def message(**content: Any) -> dict[str, Any]:
    return {"from": "14255550150", "id": "wamid.x", "timestamp": "1736379042", **content}


def test_an_inbound_sms_is_heard_and_no_receipt() -> None:
    expected = [InboundMessage(Channel.SMS, "+14255550182", "Stop", None)]
    assert inbound_messages(json.dumps(SMS)) == expected
    assert inbound_messages(golden.in_envelope(json.dumps(SMS))) == expected
    assert parse_receipts(json.dumps(SMS)) == []
    assert parse_receipts(golden.in_envelope(json.dumps(SMS))) == []


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": {"body": "Stop"}},
        {"type": "button", "button": {"text": "Stop", "payload": "x"}},
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "Stop"}}},
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Stop"}}},
    ],
)
def test_whatsapp_s_texts_and_buttons_are_heard(content: dict[str, Any]) -> None:
    at_ms = 1_736_379_042_999
    assert inbound_messages(whatsapp(message(**content))) == [
        InboundMessage(Channel.WHATSAPP, "+14255550150", "Stop", at_ms)
    ]


def test_messages_beside_statuses_are_heard_too() -> None:
    event = golden.load("whatsapp/topic-sent").event
    entry = json.loads(event["whatsAppWebhookEntry"])
    entry["changes"][0]["value"]["messages"] = [message(text={"body": "a"}), message(text={"body": "b"})]
    body = json.dumps({**event, "whatsAppWebhookEntry": json.dumps(entry)})
    assert [each.text for each in inbound_messages(body)] == ["a", "b"]
    assert len(parse_receipts(body)) == 1


def test_what_says_nothing_is_not_heard() -> None:
    assert inbound_messages(golden.load("whatsapp/topic-inbound-image").body) == []
    assert inbound_messages(whatsapp(message(type="reaction"), {"text": {"body": "Stop"}})) == []
    assert inbound_messages(golden.load("whatsapp/topic-sent").body) == []
    assert inbound_messages(golden.load("whatsapp/bus-received").body) == []
    assert inbound_messages("no JSON at all") == []


@pytest.mark.parametrize("sender", [None, "", "anonymous", 5])
def test_an_inbound_sms_without_a_number_is_parked(sender: object) -> None:
    with pytest.raises(UnknownEvent, match="without its sender"):
        inbound_messages(json.dumps({**SMS, "originationNumber": sender}))


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789"), ("+5511987654321", "+551187654321")],
)
def test_lines_that_are_written_in_two_ways(longer: str, shorter: str) -> None:
    assert written_forms(longer) == (longer, shorter)
    assert written_forms(shorter) == (shorter, longer)


@pytest.mark.parametrize("number", ["+14255550150", "+551133224455", "+447700900123"])
def test_all_others_have_one_form(number: str) -> None:
    assert written_forms(number) == (number,)
