"""Origination numbers and opt-out lists of the simulated carrier."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass, field

from localcloud.carrier_account import Account, Answer, Params, bare, e164, exists, not_found, page
from localcloud.wire import ServiceError

DEFAULT_OPT_OUT_LIST = "Default"


@dataclass(slots=True)
class PhoneNumber:
    """An origination number of the account."""

    number: str
    id: str
    country: str
    type: str
    message_type: str
    capabilities: list[str]
    opt_out_list: str
    created: datetime.datetime


@dataclass(slots=True)
class OptOutList:
    """Numbers that must not be texted, with the time of their request; `users` are ids of the numbers it serves."""

    name: str
    created: datetime.datetime
    numbers: dict[str, datetime.datetime] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)


class OptOutLists:
    """Operations on opt-out lists, named as AWS names them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lists = {DEFAULT_OPT_OUT_LIST: OptOutList(DEFAULT_OPT_OUT_LIST, account.time())}

    def used(self) -> int:
        """How many there are."""
        return len(self._lists)

    def named(self, reference: str) -> OptOutList:
        """By name or ARN; raises `ServiceError`."""
        name = bare(reference, "opt-out-list")
        if name not in self._lists:
            raise not_found("opt-out-list", reference)
        return self._lists[name]

    def has(self, name: str, destination: str) -> bool:
        """Whether a number is on the list of that name."""
        return e164(destination) in self.named(name).numbers

    def CreateOptOutList(self, params: Params) -> Answer:
        name = params["OptOutListName"]
        if name in self._lists:
            raise exists("opt-out-list", name)
        self._account.room("OPT_OUT_LISTS", len(self._lists), "OPT_OUT_LISTS_PER_ACCOUNT")
        self._lists[name] = OptOutList(name, self._account.time())
        tags = self._account.tag(self._list_arn(name), params)
        return {**self._list_head(name), "Tags": tags, "CreatedTimestamp": self._lists[name].created}

    def DeleteOptOutList(self, params: Params) -> Answer:
        found = self.named(params["OptOutListName"])
        if found.name == DEFAULT_OPT_OUT_LIST or found.users:
            raise ServiceError(
                "ConflictException",
                f"the opt-out list {found.name} is in use",
                Reason="RESOURCE_DELETION_NOT_ALLOWED",
                ResourceType="opt-out-list",
                ResourceId=found.name,
            )
        del self._lists[found.name]
        return {**self._list_head(found.name), "CreatedTimestamp": found.created}

    def DescribeOptOutLists(self, params: Params) -> Answer:
        names = params.get("OptOutListNames")
        found = [self.named(name) for name in names] if names else list(self._lists.values())
        views = [{**self._list_head(each.name), "CreatedTimestamp": each.created} for each in found]
        return page("OptOutLists", views, params)

    def PutOptedOutNumber(self, params: Params) -> Answer:
        found, number = self.named(params["OptOutListName"]), e164(params["OptedOutNumber"])
        found.numbers.setdefault(number, self._account.time())
        return {**self._list_head(found.name), **_opted_out(found, number)}

    def DeleteOptedOutNumber(self, params: Params) -> Answer:
        found, number = self.named(params["OptOutListName"]), e164(params["OptedOutNumber"])
        if number not in found.numbers:
            raise not_found("opted-out-number", number)
        answer = {**self._list_head(found.name), **_opted_out(found, number)}
        del found.numbers[number]
        return answer

    def DescribeOptedOutNumbers(self, params: Params) -> Answer:
        found = self.named(params["OptOutListName"])
        wanted = [e164(number) for number in params.get("OptedOutNumbers") or found.numbers]
        missing = next((number for number in wanted if number not in found.numbers), None)
        if missing is not None:
            raise not_found("opted-out-number", missing)
        numbers = [_opted_out(found, number) for number in wanted]
        return {**self._list_head(found.name), **page("OptedOutNumbers", numbers, params)}

    def _list_arn(self, name: str) -> str:
        return f"{self._account.prefix}:opt-out-list/{name}"

    def _list_head(self, name: str) -> Answer:
        return {"OptOutListArn": self._list_arn(name), "OptOutListName": name}


class Numbers:
    """Operations on phone numbers, named as AWS names them. There are no sender IDs."""

    def __init__(self, account: Account, lists: OptOutLists) -> None:
        self._account = account
        self._opt_out_lists = lists
        self._numbers: dict[str, PhoneNumber] = {}

    def used(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def add_number(self, number: str, *, type_: str = "TEN_DLC", country: str = "US") -> PhoneNumber:
        """Give the account an origination number, as a registration outside the stack would; idempotent."""
        known = self._find_number(number)
        if known is not None:
            return known
        return self._new_number(number, country, type_, "TRANSACTIONAL", ["SMS"], DEFAULT_OPT_OUT_LIST)

    def identity(self, reference: str | None) -> PhoneNumber:
        """The number a SendTextMessage goes out from; raises `ServiceError`."""
        if reference is None:
            number = next(iter(self._numbers.values()), None)
            if number is None:
                raise ServiceError(
                    "ConflictException",
                    "No origination entities are available to send to the destination country",
                    Reason="NO_ORIGINATION_IDENTITIES_FOUND",
                    ResourceType="account",
                )
            return number
        number = self._find_number(reference)
        if number is None:
            raise not_found("phone-number", reference)
        return number

    def identity_arn(self, reference: str | None) -> str:
        """The resource an IAM policy is asked about for a send from `reference`."""
        number = self._find_number(reference) if reference else None
        return (
            f"{self._account.prefix}:phone-number/{number.id}"
            if number
            else f"{self._account.prefix}:phone-number/unknown"
        )

    def RequestPhoneNumber(self, params: Params) -> Answer:
        self._account.room("PHONE_NUMBERS", len(self._numbers), "PHONE_NUMBERS_PER_ACCOUNT")
        type_, country = params["NumberType"], params["IsoCountryCode"]
        if type_ == "SIMULATOR" and country != "US":
            raise ServiceError(
                "ValidationException",
                "simulator numbers exist in the US only",
                Reason="COUNTRY_CODE_MISMATCH",
            )
        # 555-0100 to 555-0199 are reserved for fiction, so no such number belongs to anybody.
        taken = {number.number for number in self._numbers.values()}
        free = next(
            text for area in range(201, 999) for line in range(100, 200) if (text := f"+1{area}5550{line}") not in taken
        )
        opt_out_list = self._opt_out_lists.named(params.get("OptOutListName", DEFAULT_OPT_OUT_LIST)).name
        number = self._new_number(
            free, country, type_, params["MessageType"], list(params["NumberCapabilities"]), opt_out_list
        )
        tags = self._account.tag(f"{self._account.prefix}:phone-number/{number.id}", params)
        return {**self._number_view(number), "Tags": tags}

    def ReleasePhoneNumber(self, params: Params) -> Answer:
        number = self._find_number(params["PhoneNumberId"])
        if number is None:
            raise not_found("phone-number", params["PhoneNumberId"])
        del self._numbers[number.id]
        self._opt_out_lists.named(number.opt_out_list).users.discard(number.id)
        return {**self._number_view(number), "Status": "DELETED"}

    def DescribePhoneNumbers(self, params: Params) -> Answer:
        wanted = params.get("PhoneNumberIds")
        found = [self.identity(each) for each in wanted] if wanted else list(self._numbers.values())
        return page("PhoneNumbers", [self._number_view(number) for number in found], params)

    def DescribeSenderIds(self, params: Params) -> Answer:
        wanted = params.get("SenderIds")
        if wanted:
            raise not_found("sender-id", wanted[0]["SenderId"])
        return page("SenderIds", [], params)

    def _new_number(
        self, number: str, country: str, type_: str, message_type: str, capabilities: list[str], opt_out_list: str
    ) -> PhoneNumber:
        id_ = f"phone-{secrets.token_hex(16)}"
        made = PhoneNumber(number, id_, country, type_, message_type, capabilities, opt_out_list, self._account.time())
        self._numbers[id_] = made
        self._opt_out_lists.named(opt_out_list).users.add(id_)
        return made

    def _find_number(self, reference: str) -> PhoneNumber | None:
        id_ = bare(reference, "phone-number")
        if id_ in self._numbers:
            return self._numbers[id_]
        return next((number for number in self._numbers.values() if number.number == e164(reference)), None)

    def _number_view(self, number: PhoneNumber) -> Answer:
        return {
            "PhoneNumberArn": f"{self._account.prefix}:phone-number/{number.id}",
            "PhoneNumberId": number.id,
            "PhoneNumber": number.number,
            "Status": "ACTIVE",
            "IsoCountryCode": number.country,
            "MessageType": number.message_type,
            "NumberCapabilities": number.capabilities,
            "NumberType": number.type,
            "MonthlyLeasingPrice": "1.00",
            "TwoWayEnabled": False,
            "SelfManagedOptOutsEnabled": False,
            "OptOutListName": number.opt_out_list,
            "DeletionProtectionEnabled": False,
            "CreatedTimestamp": number.created,
        }


def _opted_out(found: OptOutList, number: str) -> Answer:
    return {"OptedOutNumber": number, "OptedOutTimestamp": found.numbers[number], "EndUserOptedOut": False}
