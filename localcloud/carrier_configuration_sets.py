"""Configuration sets and event destinations of the simulated carrier."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from localcloud.carrier_account import Account, Answer, Params, bare, exists, not_found, page
from localcloud.wire import ServiceError

_EVENT_DESTINATIONS_PER_SET = 5


@dataclass(slots=True)
class ConfigurationSet:
    """Where the events of its messages go; `protect` is the id of the protect configuration that holds for them."""

    name: str
    created: datetime.datetime
    protect: str | None = None
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)


class ConfigurationSets:
    """Operations on configuration sets, named as AWS names them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._sets: dict[str, ConfigurationSet] = {}

    def used(self) -> int:
        """How many there are."""
        return len(self._sets)

    def named(self, reference: str) -> ConfigurationSet:
        """By name or ARN; raises `ServiceError`."""
        name = bare(reference, "configuration-set")
        if name not in self._sets:
            raise not_found("configuration-set", reference)
        return self._sets[name]

    def arn(self, name: str) -> str:
        """The ARN of the set of that name."""
        return f"{self._account.prefix}:configuration-set/{name}"

    def protected_by(self, protect: str) -> list[str]:
        """Names of the sets that have this protect configuration."""
        return [each.name for each in self._sets.values() if each.protect == protect]

    def CreateConfigurationSet(self, params: Params) -> Answer:  # named by AWS
        name = params["ConfigurationSetName"]
        if name in self._sets:
            raise exists("configuration-set", name)
        self._account.room("CONFIGURATION_SETS", len(self._sets), "CONFIGURATION_SETS_PER_ACCOUNT")
        self._sets[name] = ConfigurationSet(name, self._account.time())
        tags = self._account.tag(self.arn(name), params)
        return {**self.head(name), "Tags": tags, "CreatedTimestamp": self._sets[name].created}

    def DeleteConfigurationSet(self, params: Params) -> Answer:
        found = self.named(params["ConfigurationSetName"])
        del self._sets[found.name]
        self._account.tags.pop(self.arn(found.name), None)
        return self._set_view(found)

    def DescribeConfigurationSets(self, params: Params) -> Answer:
        names = params.get("ConfigurationSetNames")
        found = [self.named(name) for name in names] if names else list(self._sets.values())
        return page("ConfigurationSets", [self._set_view(each) for each in found], params)

    def CreateEventDestination(self, params: Params) -> Answer:
        found = self.named(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        if name in found.destinations:
            raise exists("event-destination", name)
        if len(found.destinations) >= _EVENT_DESTINATIONS_PER_SET:
            raise ServiceError(
                "ServiceQuotaExceededException",
                f"a configuration set has at most {_EVENT_DESTINATIONS_PER_SET} event destinations",
                Reason="EVENT_DESTINATIONS_PER_CONFIGURATION_SET",
            )
        found.destinations[name] = {"EventDestinationName": name, "Enabled": True, **_destination(params)}
        return {**self.head(found.name), "EventDestination": found.destinations[name]}

    def UpdateEventDestination(self, params: Params) -> Answer:
        found, destination = self._destination_of(params)
        changes = {key: params[key] for key in ("Enabled", "MatchingEventTypes") if key in params}
        target = _destination({**params, "MatchingEventTypes": []}) if _targets(params) else {}
        kept = {key: value for key, value in destination.items() if not (target and key in _TARGETS)}
        updated = {**kept, **target, "MatchingEventTypes": destination["MatchingEventTypes"], **changes}
        found.destinations[destination["EventDestinationName"]] = updated
        return {**self.head(found.name), "EventDestination": updated}

    def DeleteEventDestination(self, params: Params) -> Answer:
        found, destination = self._destination_of(params)
        del found.destinations[destination["EventDestinationName"]]
        return {**self.head(found.name), "EventDestination": destination}

    def _destination_of(self, params: Params) -> tuple[ConfigurationSet, dict[str, Any]]:
        found = self.named(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        if name not in found.destinations:
            raise not_found("event-destination", name)
        return found, found.destinations[name]

    def head(self, name: str) -> Answer:
        """How answers name the set."""
        return {"ConfigurationSetArn": self.arn(name), "ConfigurationSetName": name}

    def _set_view(self, found: ConfigurationSet) -> Answer:
        destinations = list(found.destinations.values())
        protect = {"ProtectConfigurationId": found.protect} if found.protect else {}
        view = {"EventDestinations": destinations, "CreatedTimestamp": found.created}
        return {**self.head(found.name), **view, **protect}


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
