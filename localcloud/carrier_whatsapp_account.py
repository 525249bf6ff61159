"""The WhatsApp business accounts linked to the simulated AWS account, their numbers, event destinations and tags.

On AWS people link them in the console (the API's association call is for the console only), so they are here from the
start.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.carrier_account import page
from localcloud.carrier_whatsapp_templates import PAGE, Templates
from localcloud.simulated_service import Answer, Operation, Params
from localcloud.wire import ServiceError

BUSINESS_ACCOUNT_ID = "waba-6f0c1d2e3b4a59687f8e9d0c1b2a3948"
"""The business account that every embedded cloud has."""
PHONE_NUMBER_ID = "phone-number-id-3d1a5c7e9b2f40618a7c6e5d4f3b2a19"
"""Its phone number, as SendWhatsAppMessage takes it."""

_ACCOUNT, _NUMBER = "waba", "phone-number-id"
_FIRST_NUMBER = 12_065_550_150
"""555-0150 and the following are reserved for fiction."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number messages go out from; `number` has its digits only, as Meta writes numbers."""

    id: str
    meta_id: str
    number: str


@dataclass(slots=True)
class BusinessAccount:
    """A WhatsApp business account (WABA)."""

    id: str
    meta_id: str
    linked: datetime.datetime
    numbers: list[PhoneNumber] = field(default_factory=list)
    event_destinations: list[dict[str, str]] = field(default_factory=list)
    templates: Templates = field(default_factory=Templates)


class BusinessAccounts:
    """Operations on accounts and numbers, named as AWS names them."""

    def __init__(self, *, account_id: str, region: str, now: Callable[[], float]) -> None:
        self._prefix = f"arn:aws:social-messaging:{region}:{account_id}"
        self._now = now
        self._accounts: dict[str, BusinessAccount] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self.link(BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID)

    def link(self, account_id: str, number_id: str = "") -> None:
        """Link an account and, where one is given, its number, as the console does; idempotent."""
        account = self._accounts.setdefault(
            account_id,
            BusinessAccount(
                account_id, _meta_id(account_id), datetime.datetime.fromtimestamp(self._now(), datetime.UTC)
            ),
        )
        numbers = [number for each in self._accounts.values() for number in each.numbers]
        if number_id and all(number.id != number_id for number in numbers):
            account.numbers.append(PhoneNumber(number_id, _meta_id(number_id), str(_FIRST_NUMBER + len(numbers))))

    def arn(self, reference: str) -> str:
        """The ARN of an account or a number, from either form of its id."""
        if reference.startswith("arn:"):
            return reference
        kind = _ACCOUNT if reference.startswith(f"{_ACCOUNT}-") else _NUMBER
        return f"{self._prefix}:{kind}/{reference.removeprefix(f'{kind}-')}"

    def account(self, reference: str) -> BusinessAccount:
        """An account by id or ARN; raises `ServiceError`."""
        found = self._accounts.get(_id(reference, _ACCOUNT))
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"there is no WhatsApp business account {reference}")
        return found

    def number(self, reference: str) -> tuple[BusinessAccount, PhoneNumber]:
        """A number by id or ARN, with its account; raises `ServiceError`."""
        id_ = _id(reference, _NUMBER)
        for account in self._accounts.values():
            for number in account.numbers:
                if number.id == id_:
                    return account, number
        raise ServiceError("ResourceNotFoundException", f"there is no WhatsApp phone number {reference}")

    def operations(self) -> dict[str, Operation]:
        """The operations answered here, by name."""
        return {name: getattr(self, name) for name in dir(self) if name[0].isupper()}

    def GetLinkedWhatsAppBusinessAccount(self, params: Params) -> Answer:  # named by AWS
        account = self.account(params["id"])
        numbers = [self._number_view(number) for number in account.numbers]
        return {"account": {**self._account_view(account), "phoneNumbers": numbers}}

    def ListLinkedWhatsAppBusinessAccounts(self, params: Params) -> Answer:
        accounts = [self._account_view(account) for account in self._accounts.values()]
        return page("linkedAccounts", accounts, params, PAGE)

    def GetLinkedWhatsAppBusinessAccountPhoneNumber(self, params: Params) -> Answer:
        account, number = self.number(params["id"])
        return {"phoneNumber": self._number_view(number), "linkedWhatsAppBusinessAccountId": account.id}

    def PutWhatsAppBusinessAccountEventDestinations(self, params: Params) -> Answer:
        self.account(params["id"]).event_destinations = [dict(each) for each in params["eventDestinations"]]
        return {}

    def CreateWhatsAppMessageTemplate(self, params: Params) -> Answer:
        return self.account(params["id"]).templates.create(params["templateDefinition"])

    def ListWhatsAppMessageTemplates(self, params: Params) -> Answer:
        return self.account(params["id"]).templates.listed(params)

    def GetWhatsAppMessageTemplate(self, params: Params) -> Answer:
        return self.account(params["id"]).templates.get(params)

    def DeleteWhatsAppMessageTemplate(self, params: Params) -> Answer:
        return self.account(params["id"]).templates.delete(params)

    def TagResource(self, params: Params) -> Answer:
        tags = {tag["key"]: tag.get("value", "") for tag in params["tags"]}
        self._tags.setdefault(params["resourceArn"], {}).update(tags)
        return {"statusCode": 200}

    def UntagResource(self, params: Params) -> Answer:
        for key in params["tagKeys"]:
            self._tags.get(params["resourceArn"], {}).pop(key, None)
        return {"statusCode": 200}

    def ListTagsForResource(self, params: Params) -> Answer:
        tags = self._tags.get(params["resourceArn"], {})
        return {"statusCode": 200, "tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def _account_view(self, account: BusinessAccount) -> dict[str, Any]:
        return {
            "arn": self.arn(account.id),
            "id": account.id,
            "wabaId": account.meta_id,
            "registrationStatus": "COMPLETE",
            "linkDate": account.linked,
            "wabaName": "Simulated business",
            "eventDestinations": account.event_destinations,
        }

    def _number_view(self, number: PhoneNumber) -> dict[str, Any]:
        return {
            "arn": self.arn(number.id),
            "phoneNumber": f"+{number.number}",
            "phoneNumberId": number.id,
            "metaPhoneNumberId": number.meta_id,
            "displayPhoneNumberName": "Simulated business",
            "displayPhoneNumber": f"+{number.number}",
            "qualityRating": "GREEN",
        }


def _id(reference: str, kind: str) -> str:
    if not reference.startswith("arn:"):
        return reference
    return f"{kind}-{reference.rpartition(f':{kind}/')[2]}"


def _meta_id(id_: str) -> str:
    """Meta's own id of a thing: fifteen digits, always the same for the same thing."""
    return str(10**14 + int(hashlib.sha256(id_.encode()).hexdigest()[:11], 16))
