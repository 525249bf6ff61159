"""Every documented event means the receipts that its file says, raw and in an envelope."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.core import email_receipts, sms_receipts, whatsapp_receipts
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt
from tests.support import golden
from tests.support.golden import Golden

GOLDEN = golden.load_all()


def as_expected(receipt: Receipt) -> dict[str, Any]:
    """A receipt in the words of the files."""
    event = receipt.event
    return {
        "provider_id": receipt.provider_id,
        "message_id": receipt.message_id,
        "stack": receipt.stack,
        "status": event.status.value,
        "at_ms": event.at_ms,
        "code": event.code,
        "failure": receipt.failure and receipt.failure.value,
        "suppression": receipt.suppression and receipt.suppression.value,
        "flags": sorted(event.flags),
        "price_usd": None if event.price_usd is None else str(event.price_usd.normalize()),
        "row_provider_id": event.provider_id,
        "destination": receipt.destination,
    }


@pytest.mark.parametrize("sample", GOLDEN, ids=lambda sample: sample.name)
def test_each_event_means_what_its_file_says(sample: Golden) -> None:
    receipts = parse_receipts(sample.body)
    assert [as_expected(receipt) for receipt in receipts] == sample.expected
    assert {receipt.channel for receipt in receipts} <= {sample.channel}


@pytest.mark.parametrize("sample", [each for each in GOLDEN if not each.is_on_bus], ids=lambda sample: sample.name)
def test_raw_or_in_an_envelope_is_the_same(sample: Golden) -> None:
    assert parse_receipts(golden.in_envelope(sample.body)) == parse_receipts(sample.body)


def test_the_files_cover_every_type_of_both_paths() -> None:
    on_bus = {sample.event["detail-type"] for sample in GOLDEN if sample.is_on_bus}
    assert on_bus >= {sms_receipts.DETAIL_TYPE, *whatsapp_receipts.DETAIL_TYPES, *email_receipts.DETAIL_TYPES}
    email = {sample.event["eventType"] for sample in GOLDEN if sample.channel == "email" and not sample.is_on_bus}
    assert email == set(email_receipts.KINDS)
    entries = [
        json.loads(each.event["whatsAppWebhookEntry"]) for each in GOLDEN if "whatsAppWebhookEntry" in each.event
    ]
    statuses = {status["status"] for entry in entries for status in entry["changes"][0]["value"].get("statuses", ())}
    assert statuses == {"sent", "delivered", "read", "failed"}


@pytest.mark.parametrize("name", ["sms/topic-successful", "sms/bus-delivered"])
@pytest.mark.parametrize("provider_status", sorted(sms_receipts.PROVIDER_STATUSES))
def test_each_status_of_an_sms_by_both_paths(name: str, provider_status: str) -> None:
    sample = golden.load(name)
    detail = sample.event["detail"] if sample.is_on_bus else sample.event
    detail |= {"eventType": f"TEXT_{provider_status}", "messageStatus": provider_status}
    (receipt,) = parse_receipts(sample.body)
    failure = sms_receipts.FAILURE_CLASSES.get(provider_status)
    invalid = provider_status == "INVALID" and not sample.is_on_bus
    assert as_expected(receipt) == sample.expected[0] | {
        "status": sms_receipts.PROVIDER_STATUSES[provider_status].value,
        "code": failure and provider_status,
        "failure": failure and failure.value,
        "suppression": "invalid" if invalid else None,
        "flags": ["invalid"] if invalid else [],
    }
