"""Pools of origination numbers of the simulated carrier. A message from a pool goes out from its first number."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass
from typing import Any

from localcloud.carrier_account import Account, Answer, Params, bare, not_found, page
from localcloud.carrier_numbers import Numbers, OptOutLists, PhoneNumber
from localcloud.wire import ServiceError

_SETTINGS = ("TwoWayEnabled", "TwoWayChannelArn", "TwoWayChannelRole", "SelfManagedOptOutsEnabled")
_MORE_SETTINGS = ("SharedRoutesEnabled", "DeletionProtectionEnabled")


@dataclass(slots=True)
class Pool:
    """Numbers that send as one; `settings` are the members of UpdatePool beside its opt-out list."""

    id: str
    message_type: str
    opt_out_list: str
    created: datetime.datetime
    numbers: list[PhoneNumber]
    settings: dict[str, Any]


class Pools:
    """Operations on pools, named as AWS names them."""

    def __init__(self, account: Account, numbers: Numbers, lists: OptOutLists) -> None:
        self._account = account
        self._numbers = numbers
        self._opt_out_lists = lists
        self._pools: dict[str, Pool] = {}

    def used(self) -> int:
        """How many there are."""
        return len(self._pools)

    def find(self, reference: str) -> Pool | None:
        """A pool by id or ARN."""
        return self._pools.get(bare(reference, "pool"))

    def arn(self, pool: Pool) -> str:
        """The ARN of a pool."""
        return f"{self._account.prefix}:pool/{pool.id}"

    def CreatePool(self, params: Params) -> Answer:  # named by AWS
        number = self._free(params["OriginationIdentity"], params["MessageType"])
        self._account.room("POOLS", len(self._pools), "POOLS_PER_ACCOUNT")
        pool = Pool(
            f"pool-{secrets.token_hex(16)}",
            params["MessageType"],
            number.opt_out_list,
            self._account.time(),
            [number],
            {
                "TwoWayEnabled": False,
                "SelfManagedOptOutsEnabled": False,
                "SharedRoutesEnabled": False,
                "DeletionProtectionEnabled": params.get("DeletionProtectionEnabled", False),
            },
        )
        self._pools[pool.id] = pool
        return {**self._view(pool), "Tags": self._account.tag(self.arn(pool), params)}

    def UpdatePool(self, params: Params) -> Answer:
        pool = self._named(params["PoolId"])
        if "OptOutListName" in params:
            pool.opt_out_list = self._opt_out_lists.named(params["OptOutListName"]).name
        pool.settings.update({key: params[key] for key in (*_SETTINGS, *_MORE_SETTINGS) if key in params})
        return self._view(pool)

    def DeletePool(self, params: Params) -> Answer:
        pool = self._named(params["PoolId"])
        if pool.settings["DeletionProtectionEnabled"]:
            raise _conflict("DELETION_PROTECTION_ENABLED", f"the pool {pool.id} is protected", "pool", pool.id)
        del self._pools[pool.id]
        return {**self._view(pool), "Status": "DELETING"}

    def DescribePools(self, params: Params) -> Answer:
        wanted = params.get("PoolIds")
        found = [self._named(each) for each in wanted] if wanted else list(self._pools.values())
        return page("Pools", [self._view(pool) for pool in found], params)

    def AssociateOriginationIdentity(self, params: Params) -> Answer:
        pool = self._named(params["PoolId"])
        number = self._free(params["OriginationIdentity"], pool.message_type)
        pool.numbers.append(number)
        return {**self._head(pool), **self._identity_head(number)}

    def DisassociateOriginationIdentity(self, params: Params) -> Answer:
        pool, number = self._named(params["PoolId"]), self._numbers.identity(params["OriginationIdentity"])
        if number not in pool.numbers:
            reason = "PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL"
            raise _conflict(reason, f"the number {number.id} is not in {pool.id}", "phone-number", number.id)
        if len(pool.numbers) == 1:
            raise _conflict("LAST_PHONE_NUMBER", f"{pool.id} has no other number", "phone-number", number.id)
        pool.numbers.remove(number)
        return {**self._head(pool), **self._identity_head(number)}

    def ListPoolOriginationIdentities(self, params: Params) -> Answer:
        pool = self._named(params["PoolId"])
        identities = [
            {
                **self._identity_head(number),
                "NumberCapabilities": number.capabilities,
                "PhoneNumber": number.number,
            }
            for number in pool.numbers
        ]
        return {**self._head(pool), **page("OriginationIdentities", identities, params)}

    def _named(self, reference: str) -> Pool:
        pool = self.find(reference)
        if pool is None:
            raise not_found("pool", reference)
        return pool

    def _free(self, reference: str, message_type: str) -> PhoneNumber:
        """A number that is in no pool and fits the message type; raises `ServiceError`."""
        number = self._numbers.identity(reference)
        if any(number in pool.numbers for pool in self._pools.values()):
            message = f"the number {number.id} is in a pool already"
            raise _conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", message, "phone-number", number.id)
        if number.message_type != message_type:
            message = f"the number {number.id} is {number.message_type}, not {message_type}"
            raise _conflict("MESSAGE_TYPE_MISMATCH", message, "phone-number", number.id)
        return number

    def _head(self, pool: Pool) -> Answer:
        return {"PoolArn": self.arn(pool), "PoolId": pool.id}

    def _identity_head(self, number: PhoneNumber) -> Answer:
        arn = self._numbers.identity_arn(number.id)
        return {
            "OriginationIdentityArn": arn,
            "OriginationIdentity": number.id,
            "IsoCountryCode": number.country,
        }

    def _view(self, pool: Pool) -> Answer:
        return {
            **self._head(pool),
            "Status": "ACTIVE",
            "MessageType": pool.message_type,
            "OptOutListName": pool.opt_out_list,
            **pool.settings,
            "CreatedTimestamp": pool.created,
        }


def _conflict(reason: str, message: str, kind: str, id_: str) -> ServiceError:
    return ServiceError("ConflictException", message, Reason=reason, ResourceType=kind, ResourceId=id_)
