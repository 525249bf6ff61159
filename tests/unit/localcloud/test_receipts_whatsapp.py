"""WhatsApp statuses: the two shapes, against AWS's and Meta's samples."""

from __future__ import annotations

import datetime
import json

import pytest

from localcloud.carrier_whatsapp_account import BusinessAccount, PhoneNumber
from localcloud.carrier_whatsapp_message import OutboundMessage
from localcloud.outcomes import META_FAILURES
from localcloud.receipts_whatsapp import (
    META_ERRORS,
    AcceptedWhatsAppMessage,
    WhatsAppStatus,
    detail_type,
    event_bridge_detail,
    notification,
    webhook_entry,
)

ACCEPTED = AcceptedWhatsAppMessage(
    message_id="7bd36188-6123-4ded-a1dd-f017f0814405",
    message=OutboundMessage("14255550150", "template", None, "local/m-1"),
    number=PhoneNumber("phone-number-id-1", "574086085794038", "15815555555"),
    account=BusinessAccount("waba-1", "1163793972139053", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
    category="UTILITY",
    wamid="wamid.HBgLMTQyNTY5ODgzMDIVAgASGCBDNzBD",
)


def test_the_event_is_awss_sample() -> None:
    """User guide, "Monitoring with Amazon EventBridge", the failed message."""
    assert detail_type(WhatsAppStatus.FAILED) == "WhatsApp Message Failed"
    assert event_bridge_detail(ACCEPTED, WhatsAppStatus.FAILED, 1759466965.9, "131026") == {
        "wabaId": "1163793972139053",
        "originationPhoneNumber": "15815555555",
        "originationPhoneNumberId": "574086085794038",
        "messageId": "7bd36188-6123-4ded-a1dd-f017f0814405",
        "status": "failed",
        "eventTimestamp": "1759466965",
        "errors": [{"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable"}],
    }


def test_the_notification_is_awss_sample_around_metas_entry() -> None:
    """User guide, "Message and event format"; Meta's reference of status webhooks."""
    entry = webhook_entry(ACCEPTED, WhatsAppStatus.SENT, 1736379042)
    assert entry == {
        "id": "1163793972139053",
        "changes": [
            {
                "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {"display_phone_number": "15815555555", "phone_number_id": "574086085794038"},
                    "statuses": [
                        {
                            "id": "wamid.HBgLMTQyNTY5ODgzMDIVAgASGCBDNzBD",
                            "status": "sent",
                            "timestamp": "1736379042",
                            "recipient_id": "14255550150",
                            "pricing": {
                                "billable": True,
                                "pricing_model": "PMP",
                                "category": "utility",
                                "type": "regular",
                            },
                            "biz_opaque_callback_data": "local/m-1",
                        }
                    ],
                },
                "field": "messages",
            }
        ],
    }
    assert notification(
        entry,
        account=("1163793972139053", "arn:waba"),
        number=("574086085794038", "arn:number"),
        aws_account_id="123456789012",
        notification_id="6d69f07a",
        at=1736379043.271279,
    ) == {
        "context": {
            "MetaWabaIds": [{"wabaId": "1163793972139053", "arn": "arn:waba"}],
            "MetaPhoneNumberIds": [{"metaPhoneNumberId": "574086085794038", "arn": "arn:number"}],
        },
        "whatsAppWebhookEntry": json.dumps(entry),
        "aws_account_id": "123456789012",
        "message_timestamp": "2025-01-08T23:30:43.271279000Z",
        "messageId": "6d69f07a",
    }


@pytest.mark.parametrize("code", META_FAILURES)
def test_each_failure_of_a_profile_has_a_title(code: str) -> None:
    entry = webhook_entry(ACCEPTED, WhatsAppStatus.FAILED, 1.0, code)
    (status,) = entry["changes"][0]["value"]["statuses"]
    title = META_ERRORS[code]
    assert status["errors"] == [{"code": int(code), "title": title, "message": title, "error_data": {"details": title}}]
    assert "pricing" not in status
