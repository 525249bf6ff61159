"""What AWS leaves to people beside a stack, done for them on the embedded cloud once the stack is there.

docs/deploy.md has the same steps for a real account. Which of them a stack needs, its outputs tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.core.outputs import output_name

if TYPE_CHECKING:
    from localcloud.carriers import Carriers

SAMPLE_TEMPLATE: Mapping[str, Any] = {
    "name": "order_ready",
    "language": "en_US",
    "category": "UTILITY",
    "components": [
        {
            "type": "BODY",
            "text": "Hello {{1}}, your order is ready.",
            "example": {"body_text": [["Ada"]]},
        }
    ],
}
"""The WhatsApp template of sample campaigns; Meta approves it within a day."""


def do(outputs: Mapping[str, Any], carriers: Carriers) -> None:
    """Do what these outputs call for; a channel that is off has none of them."""
    origination = _output(outputs, "sms_origination_identity")
    if origination:
        # A number is registered long before any stack uses it.
        carriers.sms.resources.numbers.add_number(origination)
    account = _output(outputs, "whatsapp_business_account_id")
    if account:
        _link(carriers, account, _output(outputs, "whatsapp_phone_number_id"))
        _publish(carriers, account, _output(outputs, "whatsapp_receipts_topic_arn"))


def _output(outputs: Mapping[str, Any], field: str) -> str:
    value = outputs.get(output_name(field))
    return value if isinstance(value, str) else ""


def _link(carriers: Carriers, account: str, number: str) -> None:
    """Link the business account in the console, and have the sample template approved."""
    accounts = carriers.whatsapp.accounts
    accounts.link(account, number)
    templates = accounts.account(account).templates
    if templates.find(SAMPLE_TEMPLATE["name"], SAMPLE_TEMPLATE["language"]) is None:
        templates.create(json.dumps(SAMPLE_TEMPLATE).encode())


def _publish(carriers: Carriers, account: str, topic: str) -> None:
    """Make the topic the account's event destination: no Pulumi resource does it."""
    if topic:
        destinations = [{"eventDestinationArn": topic}]
        carriers.whatsapp.accounts.PutWhatsAppBusinessAccountEventDestinations(
            {"id": account, "eventDestinations": destinations}
        )
