"""Verified destination numbers of the simulated carrier: whom an account in the sandbox may text."""

from __future__ import annotations

import datetime
import secrets
import uuid
from dataclasses import dataclass

from localcloud.carrier_account import Account, Answer, Params, bare, e164, exists, not_found, page
from localcloud.wire import ServiceError

VERIFICATION_CODE = "123456"
"""What the text with the code would say. Nobody receives it here, so it is always the same."""
_KIND = "verified-destination-number"
_LIMIT = "VERIFIED_DESTINATION_NUMBERS"


@dataclass(slots=True)
class VerifiedNumber:
    """A number whose owner is to confirm, or has confirmed, that it may be texted."""

    id: str
    number: str
    created: datetime.datetime
    code: str | None = None
    verified: bool = False


class VerifiedNumbers:
    """Operations on verified destination numbers, named as AWS names them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._numbers: dict[str, VerifiedNumber] = {}

    def used(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def has(self, number: str) -> bool:
        """Whether its owner has confirmed that it may be texted."""
        return any(each.number == e164(number) and each.verified for each in self._numbers.values())

    def CreateVerifiedDestinationNumber(self, params: Params) -> Answer:  # named by AWS
        number = e164(params["DestinationPhoneNumber"])
        if any(each.number == number for each in self._numbers.values()):
            raise exists(_KIND, number)
        self._account.room(_LIMIT, len(self._numbers), "VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT")
        made = VerifiedNumber(f"vdn-{secrets.token_hex(16)}", number, self._account.time())
        self._numbers[made.id] = made
        return {**self._view(made), "Tags": self._account.tag(self._arn(made.id), params)}

    def DescribeVerifiedDestinationNumbers(self, params: Params) -> Answer:
        ids, numbers = params.get("VerifiedDestinationNumberIds"), params.get("DestinationPhoneNumbers")
        found = [self._named(each) for each in ids] if ids else list(self._numbers.values())
        if numbers:
            wanted = {e164(each) for each in numbers}
            missing = sorted(wanted - {each.number for each in found})
            if missing:
                raise not_found(_KIND, missing[0])
            found = [each for each in found if each.number in wanted]
        return page("VerifiedDestinationNumbers", [self._view(each) for each in found], params)

    def SendDestinationNumberVerificationCode(self, params: Params) -> Answer:
        found = self._unverified(params)
        found.code = VERIFICATION_CODE
        return {"MessageId": str(uuid.uuid4())}

    def VerifyDestinationNumber(self, params: Params) -> Answer:
        found = self._unverified(params)
        if found.code is None:
            raise self._conflict(found, "no code is open", "VERIFICATION_CODE_EXPIRED")
        if params["VerificationCode"] != found.code:
            raise ServiceError(
                "ValidationException", "the code is not the one that was sent", Reason="VERIFICATION_CODE_MISMATCH"
            )
        found.verified, found.code = True, None
        return self._view(found)

    def DeleteVerifiedDestinationNumber(self, params: Params) -> Answer:
        found = self._named(params["VerifiedDestinationNumberId"])
        del self._numbers[found.id]
        self._account.tags.pop(self._arn(found.id), None)
        return {name: value for name, value in self._view(found).items() if name != "Status"}

    def _named(self, reference: str) -> VerifiedNumber:
        id_ = bare(reference, _KIND)
        if id_ not in self._numbers:
            raise not_found(_KIND, reference)
        return self._numbers[id_]

    def _unverified(self, params: Params) -> VerifiedNumber:
        found = self._named(params["VerifiedDestinationNumberId"])
        if found.verified:
            raise self._conflict(found, "the number is verified already", "VERIFICATION_ALREADY_COMPLETE")
        return found

    def _arn(self, id_: str) -> str:
        return f"{self._account.prefix}:{_KIND}/{id_}"

    def _view(self, found: VerifiedNumber) -> Answer:
        return {
            "VerifiedDestinationNumberArn": self._arn(found.id),
            "VerifiedDestinationNumberId": found.id,
            "DestinationPhoneNumber": found.number,
            "Status": "VERIFIED" if found.verified else "PENDING",
            "CreatedTimestamp": found.created,
        }

    def _conflict(self, found: VerifiedNumber, why: str, reason: str) -> ServiceError:
        return ServiceError("ConflictException", why, Reason=reason, ResourceType=_KIND, ResourceId=found.id)
