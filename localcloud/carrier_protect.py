"""Protect configurations of the simulated carrier: which countries may be texted, by configuration set or by default.

MONITOR and FILTER let messages through here: nothing is assessed.
"""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from lambdas.core.addresses import Destination
from lambdas.core.phone_numbers import normalise_number
from localcloud.carrier_account import Account, Answer, Params, bare, not_found, page
from localcloud.carrier_configuration_sets import ConfigurationSets
from localcloud.wire import ServiceError

MOST = 25
"""Protect configurations of an account (AWS End User Messaging SMS user guide, "Quotas")."""
_KIND = "protect-configuration"
_CAPABILITIES = ("SMS", "VOICE", "MMS", "RCS")
_ALLOW, _BLOCK = "ALLOW", "BLOCK"


def _everybody() -> dict[str, dict[str, str]]:
    """A new configuration lets every country in."""
    return {capability: dict.fromkeys(sorted(phonenumbers.SUPPORTED_REGIONS), _ALLOW) for capability in _CAPABILITIES}


@dataclass(slots=True)
class ProtectConfiguration:
    """Status of each country (ISO 3166 alpha-2), by capability."""

    id: str
    created: datetime.datetime
    deletion_protection: bool
    rules: dict[str, dict[str, str]] = field(default_factory=_everybody)


class ProtectConfigurations:
    """Operations on protect configurations, named as AWS names them."""

    def __init__(self, account: Account, sets: ConfigurationSets) -> None:
        self._account = account
        self._sets = sets
        self._configurations: dict[str, ProtectConfiguration] = {}
        self._default: str | None = None

    def check(self, destination: str, configuration_set: str | None) -> None:
        """Raise the `ServiceError` for a text to a country that is blocked: by the configuration of its configuration
        set, else by the account's default."""
        id_ = self._sets.named(configuration_set).protect if configuration_set else None
        found = self._configurations.get(id_ or self._default or "")
        place = normalise_number(destination) if found else None
        if found and isinstance(place, Destination) and found.rules["SMS"].get(place.country) == _BLOCK:
            raise ServiceError(
                "ConflictException",
                f"the protect configuration {found.id} blocks {place.country}",
                Reason="DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
                ResourceType=_KIND,
                ResourceId=found.id,
            )

    def CreateProtectConfiguration(self, params: Params) -> Answer:  # named by AWS
        if len(self._configurations) >= MOST:
            raise ServiceError(
                "ServiceQuotaExceededException",
                f"the account already has {MOST} protect configurations",
                Reason="PROTECT_CONFIGURATIONS_PER_ACCOUNT",
            )
        id_ = f"protect-{secrets.token_hex(16)}"
        made = ProtectConfiguration(id_, self._account.time(), bool(params.get("DeletionProtectionEnabled", False)))
        self._configurations[id_] = made
        return {**self._view(made), "Tags": self._account.tag(self._arn(id_), params)}

    def DescribeProtectConfigurations(self, params: Params) -> Answer:
        ids = params.get("ProtectConfigurationIds")
        found = [self._named(each) for each in ids] if ids else list(self._configurations.values())
        return page("ProtectConfigurations", [self._view(each) for each in found], params)

    def UpdateProtectConfiguration(self, params: Params) -> Answer:
        found = self._named(params["ProtectConfigurationId"])
        found.deletion_protection = bool(params.get("DeletionProtectionEnabled", found.deletion_protection))
        return self._view(found)

    def DeleteProtectConfiguration(self, params: Params) -> Answer:
        found = self._named(params["ProtectConfigurationId"])
        if found.deletion_protection:
            raise self._conflict(found, "is protected from deletion", "DELETION_PROTECTION_ENABLED")
        if found.id == self._default:
            raise self._conflict(found, "is the account's default", "PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT")
        if self._sets.protected_by(found.id):
            reason = "PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET"
            raise self._conflict(found, "belongs to a configuration set", reason)
        del self._configurations[found.id]
        self._account.tags.pop(self._arn(found.id), None)
        return self._view(found)

    def GetProtectConfigurationCountryRuleSet(self, params: Params) -> Answer:
        return self._rules(self._named(params["ProtectConfigurationId"]), params)

    def UpdateProtectConfigurationCountryRuleSet(self, params: Params) -> Answer:
        found = self._named(params["ProtectConfigurationId"])
        updates = {country: rule["ProtectStatus"] for country, rule in params["CountryRuleSetUpdates"].items()}
        known = found.rules.get(params["NumberCapability"], {})
        unknown = sorted(updates.keys() - known.keys())
        if unknown:
            raise ServiceError("ValidationException", f"{unknown[0]} is no country here", Reason="INVALID_PARAMETER")
        known.update(updates)
        return self._rules(found, params)

    def AssociateProtectConfiguration(self, params: Params) -> Answer:
        found = self._named(params["ProtectConfigurationId"])
        target = self._sets.named(params["ConfigurationSetName"])
        if target.protect not in (None, found.id):
            raise self._conflict(found, f"cannot join {target.name}, which has one", "RESOURCE_ALREADY_ASSOCIATED")
        target.protect = found.id
        return {**self._sets.head(target.name), **self._head(found.id)}

    def DisassociateProtectConfiguration(self, params: Params) -> Answer:
        found = self._named(params["ProtectConfigurationId"])
        target = self._sets.named(params["ConfigurationSetName"])
        if target.protect != found.id:
            reason = "PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET"
            raise self._conflict(found, f"is not that of {target.name}", reason)
        target.protect = None
        return {**self._sets.head(target.name), **self._head(found.id)}

    def SetAccountDefaultProtectConfiguration(self, params: Params) -> Answer:
        self._default = self._named(params["ProtectConfigurationId"]).id
        return self._default_head()

    def DeleteAccountDefaultProtectConfiguration(self, params: Params) -> Answer:
        if self._default is None:
            raise not_found(_KIND, "default")
        answer, self._default = self._default_head(), None
        return answer

    def _named(self, reference: str) -> ProtectConfiguration:
        id_ = bare(reference, _KIND)
        if id_ not in self._configurations:
            raise not_found(_KIND, reference)
        return self._configurations[id_]

    def _arn(self, id_: str) -> str:
        return f"{self._account.prefix}:{_KIND}/{id_}"

    def _head(self, id_: str) -> Answer:
        return {"ProtectConfigurationArn": self._arn(id_), "ProtectConfigurationId": id_}

    def _default_head(self) -> Answer:
        return {f"Default{name}": value for name, value in self._head(str(self._default)).items()}

    def _view(self, found: ProtectConfiguration) -> Answer:
        return {
            **self._head(found.id),
            "CreatedTimestamp": found.created,
            "AccountDefault": found.id == self._default,
            "DeletionProtectionEnabled": found.deletion_protection,
        }

    def _rules(self, found: ProtectConfiguration, params: Params) -> Answer:
        capability = params["NumberCapability"]
        rules: dict[str, Any] = {
            country: {"ProtectStatus": status} for country, status in found.rules.get(capability, {}).items()
        }
        return {**self._head(found.id), "NumberCapability": capability, "CountryRuleSet": rules}

    def _conflict(self, found: ProtectConfiguration, why: str, reason: str) -> ServiceError:
        return ServiceError(
            "ConflictException", f"{found.id} {why}", Reason=reason, ResourceType=_KIND, ResourceId=found.id
        )
