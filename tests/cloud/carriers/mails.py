"""Mails to send by SES, and the events that its configuration sets are asked for."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from localcloud.launch import LocalCloud

SENDER = "Shop <orders@shop.example.com>"
ORDINARY = "ada@example.com"
ALL_TYPES = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE", "DELIVERY_DELAY"]
SIMPLE = {"Simple": {"Subject": {"Data": "Order ready"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
ACCOUNT = "123456789012"
SES_ARN = f"arn:aws:ses:us-east-1:{ACCOUNT}"


def add_destination(ses: Any, name: str, destination: str, **target: Any) -> None:
    """Let every event of a configuration set go to a topic or a bus."""
    definition = {"Enabled": True, "MatchingEventTypes": ALL_TYPES, **target}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName=name, EventDestinationName=destination, EventDestination=definition
    )


def mail(*to: str, **change: Any) -> dict[str, Any]:
    """The arguments of SendEmail."""
    call = {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": list(to)}, "Content": SIMPLE}
    return {**call, **change}


def send_mail(ses: Any, *to: str, **change: Any) -> str:
    """Send a mail; its id."""
    return str(ses.send_email(**mail(*to, **change))["MessageId"])


def kept_mail(cloud: LocalCloud, message_id: str) -> list[dict[str, Any]]:
    """What the emulator's mailbox has of a message."""
    with urllib.request.urlopen(f"{cloud.endpoint_url}/_ministack/ses/messages") as answer:
        messages = json.load(answer)["messages"].get(ACCOUNT, [])
    return [message for message in messages if message["MessageId"] == message_id]
