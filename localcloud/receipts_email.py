"""Sending events of the simulated SES, as it publishes them to topics and, as `detail`, to EventBridge.

Shapes and fields: Amazon SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and the
examples beside it; EventBridge events reference, "aws.ses".
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from localcloud.traffic import Origin

ORIGIN = Origin("aws.ses", "ses.amazonaws.com")
SUPPRESSED = "suppressed"
"""The outcome of the mailbox simulator's suppressionlist@: a hard bounce that no mail server had a part in."""
_REPORTING_MTA = "a8-50.smtp-out.amazonses.com"
_REMOTE_ADDRESS = "127.0.0.1"
_GIVES_UP_AFTER = datetime.timedelta(hours=14)


class EmailEvent(Enum):
    """An event: `eventType`, its name in MatchingEventTypes, its `detail-type`, and the key of its own object."""

    SEND = ("Send", "SEND", "Email Sent", "send")
    DELIVERY = ("Delivery", "DELIVERY", "Email Delivered", "delivery")
    BOUNCE = ("Bounce", "BOUNCE", "Email Bounced", "bounce")
    COMPLAINT = ("Complaint", "COMPLAINT", "Email Complaint Received", "complaint")
    REJECT = ("Reject", "REJECT", "Email Rejected", "reject")
    RENDERING_FAILURE = ("Rendering Failure", "RENDERING_FAILURE", "Email Rendering Failed", "failure")
    DELIVERY_DELAY = ("DeliveryDelay", "DELIVERY_DELAY", "Email Delivery Delayed", "deliveryDelay")

    def __init__(self, type_: str, matching: str, detail_type: str, key: str) -> None:
        self.type = type_
        self.matching = matching
        self.detail_type = detail_type
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMail:
    """A mail that SES took; `accepted_at` in seconds since the epoch. `subject` is None until a template is rendered.

    `failure` is (template, what is wrong) of a mail that cannot be rendered.
    """

    message_id: str
    source: str
    source_arn: str
    account_id: str
    accepted_at: float
    destination: Sequence[str]
    headers: Sequence[Mapping[str, str]]
    subject: str | None
    to: Sequence[str]
    tags: Mapping[str, Sequence[str]]
    failure: tuple[str, str] | None = None


def sending_event(
    mail: AcceptedMail, event: EmailEvent, at: float, recipients: Sequence[str], outcome: str
) -> dict[str, Any]:
    """One event record; `recipients` are those it is about, `outcome` tells bounces apart."""
    return {
        "eventType": event.type,
        "mail": _mail(mail, event),
        event.key: _OBJECTS[event](mail, at, recipients, outcome),
    }


def _mail(mail: AcceptedMail, event: EmailEvent) -> dict[str, Any]:
    tags = dict(mail.tags)
    if event is EmailEvent.DELIVERY:
        tags["ses:outgoing-ip"] = [_REMOTE_ADDRESS]
    head = {
        "timestamp": _moment(mail.accepted_at),
        "source": mail.source,
        "sourceArn": mail.source_arn,
        "sendingAccountId": mail.account_id,
        "messageId": mail.message_id,
        "destination": list(mail.destination),
        "headersTruncated": False,
    }
    if event in (EmailEvent.RENDERING_FAILURE, EmailEvent.DELIVERY_DELAY):
        return {**head, "tags": tags}
    subject = {} if mail.subject is None else {"subject": mail.subject}
    common = {"from": [mail.source], "to": list(mail.to), "messageId": mail.message_id, **subject}
    return {**head, "headers": list(mail.headers), "commonHeaders": common, "tags": tags}


def _send(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    return {}


def _delivery(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    return {
        "timestamp": _moment(at),
        "processingTimeMillis": round((at - mail.accepted_at) * 1000),
        "recipients": list(recipients),
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": _REMOTE_ADDRESS,
        "reportingMTA": _REPORTING_MTA,
    }


def _bounce(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    common = {"timestamp": _moment(at), "feedbackId": _feedback_id()}
    if outcome == SUPPRESSED:
        bounced = [{"emailAddress": address} for address in recipients]
        return {"bounceType": "Permanent", "bounceSubType": "Suppressed", "bouncedRecipients": bounced, **common}
    kind, status, code = _BOUNCES[outcome]
    return {
        "bounceType": kind[0],
        "bounceSubType": kind[1],
        "bouncedRecipients": [
            {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": code}
            for address in recipients
        ],
        **common,
        "reportingMTA": f"dsn; {_REPORTING_MTA}",
    }


_BOUNCES = {
    "bounce_permanent": (("Permanent", "General"), "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "bounce_transient": (("Transient", "MailboxFull"), "4.2.2", "smtp; 452 4.2.2 mailbox full"),
}


def _complaint(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    return {
        "complainedRecipients": [{"emailAddress": address} for address in recipients],
        "timestamp": _moment(at),
        "feedbackId": _feedback_id(),
        "complaintSubType": None,
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _moment(at),
    }


def _reject(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    return {"reason": "Bad content"}


def _failure(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    template, problem = mail.failure or ("", "The template could not be rendered.")
    return {"errorMessage": problem, "templateName": template}


def _delay(mail: AcceptedMail, at: float, recipients: Sequence[str], outcome: str) -> dict[str, Any]:
    return {
        "timestamp": _moment(at),
        "delayType": "TransientCommunicationFailure",
        "expirationTime": _moment(mail.accepted_at + _GIVES_UP_AFTER.total_seconds()),
        "delayedRecipients": [
            {
                "emailAddress": address,
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
            }
            for address in recipients
        ],
    }


_OBJECTS = {
    EmailEvent.SEND: _send,
    EmailEvent.DELIVERY: _delivery,
    EmailEvent.BOUNCE: _bounce,
    EmailEvent.COMPLAINT: _complaint,
    EmailEvent.REJECT: _reject,
    EmailEvent.RENDERING_FAILURE: _failure,
    EmailEvent.DELIVERY_DELAY: _delay,
}


def _moment(at: float) -> str:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _feedback_id() -> str:
    return f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"
