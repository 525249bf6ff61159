"""The steps that AWS leaves to people, on carriers without a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from localcloud import by_hand
from localcloud.carrier_email_message import Mail, Template
from localcloud.carrier_whatsapp_account import BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID
from localcloud.carriers import Carriers
from localcloud.traffic import Origin

TOPIC = "arn:aws:sns:us-east-1:123456789012:whatsapp-receipts"


class Nowhere:
    """Neither receipts nor mails go anywhere."""

    def event_bridge(self, origin: Origin, detail_type: str, detail: Mapping[str, Any]) -> None: ...

    def sns(self, origin: Origin, source_arn: str, topic_arn: str, event: Mapping[str, Any]) -> None: ...

    def identity(self, sender: str) -> str:
        return sender

    def check_sender(self, sender: str) -> None: ...

    def configuration_set(self, name: str) -> Mapping[str, Any]:
        return {}

    def template(self, name: str) -> Template:
        return {}

    def caller(self) -> str:
        return "root"

    async def keep(self, mail: Mail) -> str:
        return "id"


@pytest.fixture
def carriers() -> Carriers:
    return Carriers(account_id="123456789012", region="us-east-1", publisher=Nowhere(), post=Nowhere())


def test_a_stack_with_whatsapp_gets_its_event_destination_and_template(carriers: Carriers) -> None:
    outputs = {
        "WhatsappBusinessAccountId": BUSINESS_ACCOUNT_ID,
        "WhatsappPhoneNumberId": PHONE_NUMBER_ID,
        "WhatsappReceiptsTopicArn": TOPIC,
    }
    for _ in range(2):
        by_hand.do(outputs, carriers)
    account = carriers.whatsapp.accounts.account(BUSINESS_ACCOUNT_ID)
    assert account.event_destinations == [{"eventDestinationArn": TOPIC}]
    assert [number.id for number in account.numbers] == [PHONE_NUMBER_ID]
    template = account.templates.find("order_ready", "en_US")
    assert template is not None
    assert (template.category, template.variables) == ("UTILITY", 1)


def test_an_account_of_the_stacks_own_is_linked_with_its_number(carriers: Carriers) -> None:
    waba, number = f"waba-{1:032x}", f"phone-number-id-{2:032x}"
    by_hand.do({"WhatsappBusinessAccountId": waba, "WhatsappPhoneNumberId": number}, carriers)
    account, found = carriers.whatsapp.accounts.number(number)
    assert (account.id, account.event_destinations) == (waba, [])
    (first,) = carriers.whatsapp.accounts.account(BUSINESS_ACCOUNT_ID).numbers
    assert found.number != first.number
    assert found.meta_id != first.meta_id


def test_a_number_outside_the_stack_is_registered(carriers: Carriers) -> None:
    by_hand.do({"SmsOriginationIdentity": "+12065550100"}, carriers)
    assert carriers.sms.resources.numbers.identity("+12065550100").number == "+12065550100"


@pytest.mark.parametrize(
    "outputs",
    [{}, {"WhatsappBusinessAccountId": "", "WhatsappReceiptsTopicArn": "", "SmsOriginationIdentity": ""}],
)
def test_channels_that_are_off_need_nothing(outputs: dict[str, str], carriers: Carriers) -> None:
    by_hand.do(outputs, carriers)
    account = carriers.whatsapp.accounts.account(BUSINESS_ACCOUNT_ID)
    assert account.event_destinations == []
    assert account.templates.find("order_ready", "en_US") is None
    assert carriers.sms.resources.numbers.used() == 0
