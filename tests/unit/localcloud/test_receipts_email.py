"""Sending events of SES, against its own samples (developer guide, "Examples of event data")."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.receipts_email import SUPPRESSED, AcceptedMail, EmailEvent, sending_event

ID = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000"
TO = ["recipient@example.com"]
MAIL = AcceptedMail(
    message_id=ID,
    source="sender@example.com",
    source_arn="arn:aws:ses:us-east-1:123456789012:identity/sender@example.com",
    account_id="123456789012",
    accepted_at=1476919252.240,
    destination=TO,
    headers=[{"name": "From", "value": "sender@example.com"}],
    subject="Message sent from Amazon SES",
    to=TO,
    tags={"ses:configuration-set": ["ConfigSet"], "myCustomTag1": ["myCustomTagValue1"]},
    failure=("MyTemplate", "Attribute 'attributeName' is not present in the rendering data."),
)
HEAD: dict[str, Any] = {
    "timestamp": "2016-10-19T23:20:52.240Z",
    "source": "sender@example.com",
    "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/sender@example.com",
    "sendingAccountId": "123456789012",
    "messageId": ID,
    "destination": TO,
    "headersTruncated": False,
    "tags": {"ses:configuration-set": ["ConfigSet"], "myCustomTag1": ["myCustomTagValue1"]},
}
AT = 1476919264.133


def _record(event: EmailEvent, outcome: str = "DELIVERED") -> dict[str, Any]:
    return sending_event(MAIL, event, AT, TO, outcome)


def test_a_send_is_seses_sample() -> None:
    common = {
        "from": ["sender@example.com"],
        "to": TO,
        "messageId": ID,
        "subject": "Message sent from Amazon SES",
    }
    headers = [{"name": "From", "value": "sender@example.com"}]
    mail = {**HEAD, "headers": headers, "commonHeaders": common}
    assert _record(EmailEvent.SEND) == {"eventType": "Send", "mail": mail, "send": {}}


def test_a_delivery_is_seses_sample() -> None:
    record = _record(EmailEvent.DELIVERY)
    assert record["mail"]["tags"] == {**HEAD["tags"], "ses:outgoing-ip": ["127.0.0.1"]}
    assert record["delivery"] == {
        "timestamp": "2016-10-19T23:21:04.133Z",
        "processingTimeMillis": 11893,
        "recipients": TO,
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": "127.0.0.1",
        "reportingMTA": "a8-50.smtp-out.amazonses.com",
    }


def test_a_delay_and_a_rendering_failure_have_no_headers() -> None:
    assert _record(EmailEvent.DELIVERY_DELAY) == {
        "eventType": "DeliveryDelay",
        "mail": HEAD,
        "deliveryDelay": {
            "timestamp": "2016-10-19T23:21:04.133Z",
            "delayType": "TransientCommunicationFailure",
            "expirationTime": "2016-10-20T13:20:52.240Z",
            "delayedRecipients": [
                {
                    "emailAddress": TO[0],
                    "status": "4.4.1",
                    "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
                }
            ],
        },
    }
    assert _record(EmailEvent.RENDERING_FAILURE) == {
        "eventType": "Rendering Failure",
        "mail": HEAD,
        "failure": {
            "errorMessage": "Attribute 'attributeName' is not present in the rendering data.",
            "templateName": "MyTemplate",
        },
    }


def test_bounces_tell_what_kind_they_are() -> None:
    permanent = _record(EmailEvent.BOUNCE, "bounce_permanent")["bounce"]
    assert permanent.pop("feedbackId")
    assert permanent == {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": TO[0],
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "timestamp": "2016-10-19T23:21:04.133Z",
        "reportingMTA": "dsn; a8-50.smtp-out.amazonses.com",
    }
    transient = _record(EmailEvent.BOUNCE, "bounce_transient")["bounce"]
    assert (transient["bounceType"], transient["bounceSubType"]) == ("Transient", "MailboxFull")
    suppressed = _record(EmailEvent.BOUNCE, SUPPRESSED)["bounce"]
    assert (suppressed["bounceType"], suppressed["bounceSubType"]) == ("Permanent", "Suppressed")
    assert suppressed["bouncedRecipients"] == [{"emailAddress": TO[0]}]
    assert "reportingMTA" not in suppressed


def test_a_complaint_names_whom_it_may_be_from() -> None:
    complaint = _record(EmailEvent.COMPLAINT, "complaint")["complaint"]
    assert complaint["complainedRecipients"] == [{"emailAddress": TO[0]}]
    assert (complaint["complaintFeedbackType"], complaint["complaintSubType"]) == ("abuse", None)


@pytest.mark.parametrize("event", EmailEvent)
def test_an_event_has_its_own_object_and_no_other(event: EmailEvent) -> None:
    record = _record(event, "bounce_permanent")
    assert record.keys() == {"eventType", "mail", event.key}
    assert record["eventType"] == event.type
