"""What the parts of the simulated carrier's account share: its figures, tags, errors and pages."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.wire import ServiceError

_DEFAULT_PAGE = 100
SANDBOX = "SANDBOX"

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


class Account:
    """ARN prefix, time, figures and tags of one account in one region."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        figures: AccountFigures | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.prefix = f"arn:aws:sms-voice:{region}:{account_id}"
        self.figures = figures or AccountFigures()
        self.tags: dict[str, dict[str, str]] = {}
        self._now = now

    def time(self) -> datetime.datetime:
        """Now, in UTC."""
        return datetime.datetime.fromtimestamp(self._now(), datetime.UTC)

    def tag(self, arn: str, params: Params) -> list[dict[str, str]]:
        """Add the tags of a request to a resource; all of its tags."""
        self.tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()})
        return self.tag_list(arn)

    def tag_list(self, arn: str) -> list[dict[str, str]]:
        """The tags of a resource."""
        return [{"Key": key, "Value": value} for key, value in self.tags.get(arn, {}).items()]

    def room(self, limit: str, used: int, reason: str) -> None:
        """Raise the `ServiceError` of a quota when no more may be made."""
        most = self.figures.limits.get(limit)
        if most is not None and used >= most:
            message = f"the account already has {used} of {most} ({limit})"
            raise ServiceError("ServiceQuotaExceededException", message, Reason=reason)


def bare(reference: str, kind: str) -> str:
    """The name in an ARN, or the reference itself."""
    return reference.rpartition(f":{kind}/")[2] if reference.startswith("arn:") else reference


def e164(number: str) -> str:
    """The number with its plus sign."""
    return number if number.startswith("+") else f"+{number}"


def not_found(kind: str, id_: str) -> ServiceError:
    """The error for a resource that is not there."""
    return ServiceError("ResourceNotFoundException", f"there is no {kind} {id_}", ResourceType=kind, ResourceId=id_)


def exists(kind: str, id_: str) -> ServiceError:
    """The error for a name that is taken."""
    return ServiceError(
        "ConflictException",
        f"the {kind} {id_} exists already",
        Reason="RESOURCE_ALREADY_EXISTS",
        ResourceType=kind,
        ResourceId=id_,
    )


def page(
    key: str, items: list[dict[str, Any]], params: Params, names: tuple[str, str] = ("NextToken", "MaxResults")
) -> Answer:
    """One page; the token is the position of the next item. `names` are the service's for token and size."""
    token, size = names
    at = params.get(token, "0")
    if not at.isdecimal() or int(at) > len(items):
        raise ServiceError("ValidationException", f"the {token} is not valid", Reason="INVALID_NEXT_TOKEN")
    start, most = int(at), params.get(size, _DEFAULT_PAGE)
    page: Answer = {key: items[start : start + most]}
    if start + most < len(items):
        page[token] = str(start + most)
    return page
