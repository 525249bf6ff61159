"""The error codes that the runbook of failed deliveries explains are those that rows can have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from lambdas.core import email_receipts, own_codes, sms_receipts, whatsapp_receipts
from lambdas.core.lifecycle import Status
from lambdas.core.provider_errors import BY_EXCEPTION, BY_REASON
from lambdas.core.receipts import ReceiptClass

BOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "failed-deliveries.md"
RECEIPTS: Mapping[str, Mapping[str, ReceiptClass]] = {
    "SMS": sms_receipts.FAILURE_CLASSES,
    "WhatsApp": whatsapp_receipts.FAILURE_CLASSES,
    "Email": email_receipts.FAILURE_CLASSES,
}
WITHOUT_CODE = {word for word, status in whatsapp_receipts.STATUSES.items() if status is Status.FAILED}
"""What stands for the code of a WhatsApp message whose failure has none."""
OF_ONE_PROVIDER = {
    "SMS": {"ConflictException"},
    "WhatsApp": {"InvalidParametersException"},
    "Email": {
        "MessageRejected",
        "BadRequestException",
        "NotFoundException",
        "LimitExceededException",
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
    },
}
"""Exceptions that only this channel's send call raises (API references, "Errors"); the others are anybody's."""
KNOWN = {
    "SMS": RECEIPTS["SMS"].keys() | BY_REASON.keys() | OF_ONE_PROVIDER["SMS"],
    "WhatsApp": RECEIPTS["WhatsApp"].keys() | WITHOUT_CODE | OF_ONE_PROVIDER["WhatsApp"],
    "Email": RECEIPTS["Email"].keys() | OF_ONE_PROVIDER["Email"],
    "any channel": BY_EXCEPTION.keys() - set().union(*OF_ONE_PROVIDER.values()),
    "single messages and fallback": {
        *(own_codes.OPTED_OUT, own_codes.EXPIRED, own_codes.SPEND_CAP),
        *(own_codes.NOT_NEEDED, own_codes.CAMPAIGN_ENDED),
        *(own_codes.PUMPING_GUARD, own_codes.COUNTRY_NOT_ALLOWED),
    },
}
CODE = re.compile(r"[A-Z][A-Za-z]+Exception|[A-Z]+(?:_[A-Z]+)+|[A-Z][A-Za-z]+/[A-Z][A-Za-z]+|[0-9]{2,6}")


def tables() -> dict[str, set[str]]:
    """The codes of each table of the page, by its heading."""
    found: dict[str, set[str]] = {}
    heading = ""
    for line in BOOK.read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if len(cells) < 4 or set(cells[1]) == {"-"}:
            continue
        if cells[2].strip() == "means":
            heading = cells[1].strip()
            continue
        found.setdefault(heading, set()).update(re.findall(r"`([^`]+)`", cells[1]))
    return found


@pytest.mark.parametrize("heading", KNOWN)
def test_what_the_page_explains_is_a_code_that_rows_can_have(heading: str) -> None:
    assert tables().keys() == KNOWN.keys()
    assert tables()[heading] <= KNOWN[heading]


@pytest.mark.parametrize("heading", ["SMS", "Email", "any channel", "single messages and fallback"])
def test_every_code_is_explained(heading: str) -> None:
    assert tables()[heading] == KNOWN[heading]


def test_of_meta_s_many_codes_those_are_explained_that_ask_for_an_act_and_those_without_a_code() -> None:
    asking = {code for code, failure in RECEIPTS["WhatsApp"].items() if failure is ReceiptClass.SUPPRESS}
    assert tables()["WhatsApp"] >= asking | WITHOUT_CODE | OF_ONE_PROVIDER["WhatsApp"]


def test_no_code_in_the_text_is_made_up() -> None:
    words = {word for word in re.findall(r"`([^`\n]+)`", BOOK.read_text(encoding="utf-8")) if CODE.fullmatch(word)}
    assert words
    assert words <= set().union(*KNOWN.values())
