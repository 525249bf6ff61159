"""What an account owns at the simulated carrier: configuration sets, opt-out lists, phone numbers, tags, limits.

One method per operation of `pinpoint-sms-voice-v2`, found by its name; parameters and answers are boto3's.
"""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.wire import ServiceError

DEFAULT_OPT_OUT_LIST = "Default"
_EVENT_DESTINATIONS_PER_SET = 5
_DEFAULT_PAGE = 100

Params = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """What the account may have; the defaults are those of a fresh AWS account.

    Source: AWS End User Messaging SMS user guide, "quotas" and "sandbox" (USD 1 a month until raised). The tier is
    PRODUCTION because this carrier reaches any number without verifying it.
    """

    tier: str = "PRODUCTION"
    monthly_text_spend_usd: int = 1
    limits: Mapping[str, int] = field(
        default_factory=lambda: {
            "PHONE_NUMBERS": 25,
            "POOLS": 25,
            "CONFIGURATION_SETS": 25,
            "OPT_OUT_LISTS": 25,
            "SENDER_IDS": 200,
            "VERIFIED_DESTINATION_NUMBERS": 10,
        }
    )


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
class ConfigurationSet:
    """Where the events of its messages go."""

    name: str
    created: datetime.datetime
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class OptOutList:
    """Numbers that must not be texted, with the time of their request."""

    name: str
    created: datetime.datetime
    numbers: dict[str, datetime.datetime] = field(default_factory=dict)


class Resources:
    """The account's things in one region. Not thread-safe: used on the host's event loop only."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        figures: AccountFigures | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._prefix = f"arn:aws:sms-voice:{region}:{account_id}"
        self._figures = figures or AccountFigures()
        self._now = now
        self._sets: dict[str, ConfigurationSet] = {}
        self._lists = {DEFAULT_OPT_OUT_LIST: OptOutList(DEFAULT_OPT_OUT_LIST, self._time())}
        self._numbers: dict[str, PhoneNumber] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def operations(self) -> dict[str, Callable[[Params], Answer]]:
        """The operations answered here, by name."""
        return {name: getattr(self, name) for name in dir(self) if name[0].isupper()}

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
            raise _not_found("phone-number", reference)
        return number

    def identity_arn(self, reference: str | None) -> str:
        """The resource an IAM policy is asked about for a send from `reference`."""
        number = self._find_number(reference) if reference else None
        return f"{self._prefix}:phone-number/{number.id}" if number else f"{self._prefix}:phone-number/unknown"

    def configuration_set(self, reference: str) -> ConfigurationSet:
        """By name or ARN; raises `ServiceError`."""
        name = _bare(reference, "configuration-set")
        if name not in self._sets:
            raise _not_found("configuration-set", reference)
        return self._sets[name]

    def is_opted_out(self, number: PhoneNumber, destination: str) -> bool:
        """Whether `destination` is on the list of the number a message would go out from."""
        return _e164(destination) in self._lists[number.opt_out_list].numbers

    def CreateConfigurationSet(self, params: Params) -> Answer:  # named by AWS
        name = params["ConfigurationSetName"]
        if name in self._sets:
            raise _exists("configuration-set", name)
        self._room("CONFIGURATION_SETS", len(self._sets), "CONFIGURATION_SETS_PER_ACCOUNT")
        self._sets[name] = ConfigurationSet(name, self._time())
        tags = self._tag(self._set_arn(name), params)
        return {**self._set_head(name), "Tags": tags, "CreatedTimestamp": self._sets[name].created}

    def DeleteConfigurationSet(self, params: Params) -> Answer:
        found = self.configuration_set(params["ConfigurationSetName"])
        del self._sets[found.name]
        self._tags.pop(self._set_arn(found.name), None)
        return self._set_view(found)

    def DescribeConfigurationSets(self, params: Params) -> Answer:
        names = params.get("ConfigurationSetNames")
        found = [self.configuration_set(name) for name in names] if names else list(self._sets.values())
        return _page("ConfigurationSets", [self._set_view(each) for each in found], params)

    def CreateEventDestination(self, params: Params) -> Answer:
        found = self.configuration_set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        if name in found.destinations:
            raise _exists("event-destination", name)
        if len(found.destinations) >= _EVENT_DESTINATIONS_PER_SET:
            raise ServiceError(
                "ServiceQuotaExceededException",
                f"a configuration set has at most {_EVENT_DESTINATIONS_PER_SET} event destinations",
                Reason="EVENT_DESTINATIONS_PER_CONFIGURATION_SET",
            )
        found.destinations[name] = {"EventDestinationName": name, "Enabled": True, **_destination(params)}
        return {**self._set_head(found.name), "EventDestination": found.destinations[name]}

    def UpdateEventDestination(self, params: Params) -> Answer:
        found, destination = self._destination_of(params)
        changes = {key: params[key] for key in ("Enabled", "MatchingEventTypes") if key in params}
        target = _destination({**params, "MatchingEventTypes": []}) if _targets(params) else {}
        kept = {key: value for key, value in destination.items() if not (target and key in _TARGETS)}
        updated = {**kept, **target, "MatchingEventTypes": destination["MatchingEventTypes"], **changes}
        found.destinations[destination["EventDestinationName"]] = updated
        return {**self._set_head(found.name), "EventDestination": updated}

    def DeleteEventDestination(self, params: Params) -> Answer:
        found, destination = self._destination_of(params)
        del found.destinations[destination["EventDestinationName"]]
        return {**self._set_head(found.name), "EventDestination": destination}

    def CreateOptOutList(self, params: Params) -> Answer:
        name = params["OptOutListName"]
        if name in self._lists:
            raise _exists("opt-out-list", name)
        self._room("OPT_OUT_LISTS", len(self._lists), "OPT_OUT_LISTS_PER_ACCOUNT")
        self._lists[name] = OptOutList(name, self._time())
        tags = self._tag(self._list_arn(name), params)
        return {**self._list_head(name), "Tags": tags, "CreatedTimestamp": self._lists[name].created}

    def DeleteOptOutList(self, params: Params) -> Answer:
        found = self._list(params["OptOutListName"])
        users = [number.id for number in self._numbers.values() if number.opt_out_list == found.name]
        if found.name == DEFAULT_OPT_OUT_LIST or users:
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
        found = [self._list(name) for name in names] if names else list(self._lists.values())
        views = [{**self._list_head(each.name), "CreatedTimestamp": each.created} for each in found]
        return _page("OptOutLists", views, params)

    def PutOptedOutNumber(self, params: Params) -> Answer:
        found, number = self._list(params["OptOutListName"]), _e164(params["OptedOutNumber"])
        found.numbers.setdefault(number, self._time())
        return {**self._list_head(found.name), **_opted_out(found, number)}

    def DeleteOptedOutNumber(self, params: Params) -> Answer:
        found, number = self._list(params["OptOutListName"]), _e164(params["OptedOutNumber"])
        if number not in found.numbers:
            raise _not_found("opted-out-number", number)
        answer = {**self._list_head(found.name), **_opted_out(found, number)}
        del found.numbers[number]
        return answer

    def DescribeOptedOutNumbers(self, params: Params) -> Answer:
        found = self._list(params["OptOutListName"])
        wanted = [_e164(number) for number in params.get("OptedOutNumbers") or found.numbers]
        missing = next((number for number in wanted if number not in found.numbers), None)
        if missing is not None:
            raise _not_found("opted-out-number", missing)
        page = _page("OptedOutNumbers", [_opted_out(found, number) for number in wanted], params)
        return {**self._list_head(found.name), **page}

    def RequestPhoneNumber(self, params: Params) -> Answer:
        self._room("PHONE_NUMBERS", len(self._numbers), "PHONE_NUMBERS_PER_ACCOUNT")
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
        opt_out_list = self._list(params.get("OptOutListName", DEFAULT_OPT_OUT_LIST)).name
        number = self._new_number(
            free, country, type_, params["MessageType"], list(params["NumberCapabilities"]), opt_out_list
        )
        tags = self._tag(f"{self._prefix}:phone-number/{number.id}", params)
        return {**self._number_view(number), "Tags": tags}

    def ReleasePhoneNumber(self, params: Params) -> Answer:
        number = self._find_number(params["PhoneNumberId"])
        if number is None:
            raise _not_found("phone-number", params["PhoneNumberId"])
        del self._numbers[number.id]
        return {**self._number_view(number), "Status": "DELETED"}

    def DescribePhoneNumbers(self, params: Params) -> Answer:
        wanted = params.get("PhoneNumberIds")
        found = [self.identity(each) for each in wanted] if wanted else list(self._numbers.values())
        return _page("PhoneNumbers", [self._number_view(number) for number in found], params)

    def DescribePools(self, params: Params) -> Answer:
        return self._none("Pools", "pool", params.get("PoolIds"), params)

    def DescribeSenderIds(self, params: Params) -> Answer:
        return self._none("SenderIds", "sender-id", [s["SenderId"] for s in params.get("SenderIds") or ()], params)

    def DescribeAccountAttributes(self, params: Params) -> Answer:
        return _page("AccountAttributes", [{"Name": "ACCOUNT_TIER", "Value": self._figures.tier}], params)

    def DescribeAccountLimits(self, params: Params) -> Answer:
        used = {
            "PHONE_NUMBERS": len(self._numbers),
            "CONFIGURATION_SETS": len(self._sets),
            "OPT_OUT_LISTS": len(self._lists),
        }
        limits = [{"Name": n, "Used": used.get(n, 0), "Max": most} for n, most in self._figures.limits.items()]
        return _page("AccountLimits", limits, params)

    def DescribeSpendLimits(self, params: Params) -> Answer:
        limit = self._figures.monthly_text_spend_usd
        text = {"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": limit, "MaxLimit": limit}
        return _page("SpendLimits", [{**text, "Overridden": False}], params)

    def TagResource(self, params: Params) -> Answer:
        self._tag(params["ResourceArn"], params)
        return {}

    def UntagResource(self, params: Params) -> Answer:
        tags = self._tags.get(params["ResourceArn"], {})
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def ListTagsForResource(self, params: Params) -> Answer:
        tags = self._tags.get(params["ResourceArn"], {})
        return {
            "ResourceArn": params["ResourceArn"],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }

    def _time(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._now(), datetime.UTC)

    def _tag(self, arn: str, params: Params) -> list[dict[str, str]]:
        tags = self._tags.setdefault(arn, {})
        tags.update({tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()})
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def _room(self, limit: str, used: int, reason: str) -> None:
        most = self._figures.limits.get(limit)
        if most is not None and used >= most:
            message = f"the account already has {used} of {most} ({limit})"
            raise ServiceError("ServiceQuotaExceededException", message, Reason=reason)

    def _new_number(
        self, number: str, country: str, type_: str, message_type: str, capabilities: list[str], opt_out_list: str
    ) -> PhoneNumber:
        id_ = f"phone-{secrets.token_hex(16)}"
        made = PhoneNumber(number, id_, country, type_, message_type, capabilities, opt_out_list, self._time())
        self._numbers[id_] = made
        return made

    def _find_number(self, reference: str) -> PhoneNumber | None:
        id_ = _bare(reference, "phone-number")
        if id_ in self._numbers:
            return self._numbers[id_]
        return next((number for number in self._numbers.values() if number.number == _e164(reference)), None)

    def _list(self, reference: str) -> OptOutList:
        name = _bare(reference, "opt-out-list")
        if name not in self._lists:
            raise _not_found("opt-out-list", reference)
        return self._lists[name]

    def _destination_of(self, params: Params) -> tuple[ConfigurationSet, dict[str, Any]]:
        found = self.configuration_set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        if name not in found.destinations:
            raise _not_found("event-destination", name)
        return found, found.destinations[name]

    def _none(self, key: str, kind: str, wanted: Sequence[str] | None, params: Params) -> Answer:
        if wanted:
            raise _not_found(kind, wanted[0])
        return _page(key, [], params)

    def _set_arn(self, name: str) -> str:
        return f"{self._prefix}:configuration-set/{name}"

    def _set_head(self, name: str) -> Answer:
        return {"ConfigurationSetArn": self._set_arn(name), "ConfigurationSetName": name}

    def _set_view(self, found: ConfigurationSet) -> Answer:
        destinations = list(found.destinations.values())
        return {**self._set_head(found.name), "EventDestinations": destinations, "CreatedTimestamp": found.created}

    def _list_arn(self, name: str) -> str:
        return f"{self._prefix}:opt-out-list/{name}"

    def _list_head(self, name: str) -> Answer:
        return {"OptOutListArn": self._list_arn(name), "OptOutListName": name}

    def _number_view(self, number: PhoneNumber) -> Answer:
        return {
            "PhoneNumberArn": f"{self._prefix}:phone-number/{number.id}",
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


_TARGETS = ("CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination")


def _targets(params: Params) -> list[str]:
    return [name for name in _TARGETS if name in params]


def _destination(params: Params) -> dict[str, Any]:
    """The destination a request describes; AWS takes exactly one kind and no TEXT_SENT."""
    targets = _targets(params)
    if len(targets) != 1:
        raise ServiceError(
            "ValidationException",
            f"exactly one of {', '.join(_TARGETS)} must be given",
            Reason="PARAMETERS_CANNOT_BE_USED_TOGETHER" if targets else "MISSING_PARAMETER",
        )
    if "TEXT_SENT" in params["MatchingEventTypes"]:
        raise ServiceError(
            "ValidationException", "the event type TEXT_SENT is not supported", Reason="INVALID_PARAMETER"
        )
    return {"MatchingEventTypes": list(params["MatchingEventTypes"]), targets[0]: params[targets[0]]}


def _opted_out(found: OptOutList, number: str) -> Answer:
    return {"OptedOutNumber": number, "OptedOutTimestamp": found.numbers[number], "EndUserOptedOut": False}


def _bare(reference: str, kind: str) -> str:
    """The name in an ARN, or the reference itself."""
    return reference.rpartition(f":{kind}/")[2] if reference.startswith("arn:") else reference


def _e164(number: str) -> str:
    return number if number.startswith("+") else f"+{number}"


def _not_found(kind: str, id_: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"there is no {kind} {id_}", ResourceType=kind, ResourceId=id_)


def _exists(kind: str, id_: str) -> ServiceError:
    return ServiceError(
        "ConflictException",
        f"the {kind} {id_} exists already",
        Reason="RESOURCE_ALREADY_EXISTS",
        ResourceType=kind,
        ResourceId=id_,
    )


def _page(key: str, items: list[dict[str, Any]], params: Params) -> Answer:
    """One page; the token is the position of the next item."""
    token = params.get("NextToken", "0")
    if not token.isdecimal() or int(token) > len(items):
        raise ServiceError("ValidationException", "the NextToken is not valid", Reason="INVALID_NEXT_TOKEN")
    start, size = int(token), params.get("MaxResults", _DEFAULT_PAGE)
    page: Answer = {key: items[start : start + size]}
    if start + size < len(items):
        page["NextToken"] = str(start + size)
    return page
