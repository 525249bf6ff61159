"""The error codes that the runbook of failed deliveries explains are those that rows can have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambdas.core import email_receipts, single_sending, sms_receipts, whatsapp_receipts
from lambdas.core.provider_errors import BY_EXCEPTION, BY_REASON
from lambdas.core.receipts import ReceiptClass

BOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "failed-deliveries.md"
RECEIPTS = {
    "SMS": sms_receipts.FAILURE_CLASSES,
    "WhatsApp": whatsapp_receipts.FAILURE_CLASSES,
    "Email": email_receipts.FAILURE_CLASSES,
}
OUR_OWN = {single_sending.OPTED_OUT, single_sending.EXPIRED, single_sending.SPEND_CAP}


def explained(heading: str) -> set[str]:
    """The codes of the table with this heading."""
    table = BOOK.read_text(encoding="utf-8").partition(f"| {heading} | means |")[2].partition("\n\n")[0]
    return {code for line in table.splitlines()[2:] for code in re.findall(r"`([^`]+)`", line.split("|")[1])}


@pytest.mark.parametrize("channel", RECEIPTS)
def test_a_channel_s_codes_are_those_of_its_receipts_and_refusals(channel: str) -> None:
    assert len(explained(channel)) > 5
    assert explained(channel) <= RECEIPTS[channel].keys() | BY_REASON.keys() | BY_EXCEPTION.keys()


@pytest.mark.parametrize("channel", RECEIPTS)
def test_everything_that_suppresses_a_recipient_is_explained(channel: str) -> None:
    suppressing = {code for code, failure in RECEIPTS[channel].items() if failure is ReceiptClass.SUPPRESS}
    assert suppressing
    assert suppressing <= explained(channel)


def test_our_own_codes_are_explained() -> None:
    assert explained("single messages") == OUR_OWN
