"""What a failed message asks for, by the code on its row: a provider's refusal, a receipt's, or our own."""

from __future__ import annotations

from collections.abc import Mapping

from lambdas.core import email_receipts, sms_receipts, whatsapp_receipts
from lambdas.core.channels import Channel
from lambdas.core.own_codes import (
    CAMPAIGN_ENDED,
    COUNTRY_NOT_ALLOWED,
    EXPIRED,
    NOT_NEEDED,
    OPTED_OUT,
    PUMPING_GUARD,
    SPEND_CAP,
    UNKNOWN,
)
from lambdas.core.provider_errors import BY_EXCEPTION, BY_REASON, ErrorClass
from lambdas.core.receipts import ReceiptClass

OWN_CODES: Mapping[str, ReceiptClass] = {
    OPTED_OUT: ReceiptClass.SUPPRESS,
    EXPIRED: ReceiptClass.FAIL_OVER,
    SPEND_CAP: ReceiptClass.FAIL_OVER,
    NOT_NEEDED: ReceiptClass.FAIL_OVER,
    CAMPAIGN_ENDED: ReceiptClass.FAIL_OVER,
    PUMPING_GUARD: ReceiptClass.FAIL_OVER,
    COUNTRY_NOT_ALLOWED: ReceiptClass.FAIL_OVER,
    UNKNOWN: ReceiptClass.FAIL_OVER,
}
"""AWS says that an UNKNOWN message may be sent again; it may as well have been delivered, and a second copy on the same
channel surprises its reader, so another channel is the most that it asks for."""

_OF_REFUSALS: Mapping[ErrorClass, ReceiptClass] = {
    ErrorClass.WAIT: ReceiptClass.FAIL_OVER,
    ErrorClass.RETRY: ReceiptClass.FAIL_OVER,
    ErrorClass.IN_DOUBT: ReceiptClass.FAIL_OVER,
    ErrorClass.FAIL_OVER: ReceiptClass.FAIL_OVER,
    ErrorClass.SUPPRESS: ReceiptClass.SUPPRESS,
    ErrorClass.STOP: ReceiptClass.STOP,
}
"""A refusal that was worth repeating has been repeated before the row failed (`attempts.MAX_ATTEMPTS`)."""

_RECEIPT_CODES: Mapping[str, Mapping[str, ReceiptClass]] = {
    Channel.SMS: sms_receipts.FAILURE_CLASSES,
    Channel.WHATSAPP: whatsapp_receipts.FAILURE_CLASSES,
    Channel.EMAIL: {**email_receipts.BOUNCE_CLASSES, **email_receipts.FAILURE_CLASSES},
}


def failure_class(channel: str, code: str) -> ReceiptClass:
    """What a row that failed with `code` on `channel` asks for; an unknown code says nothing about other channels."""
    if code in OWN_CODES:
        return OWN_CODES[code]
    refusal = BY_REASON.get(code) or BY_EXCEPTION.get(code)
    if refusal is not None:
        return _OF_REFUSALS[refusal]
    known = _RECEIPT_CODES[channel]
    return known.get(code) or known.get(code.partition("/")[0], ReceiptClass.FAIL_OVER)
