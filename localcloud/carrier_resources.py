"""What an account has at the simulated carrier: every operation of `pinpoint-sms-voice-v2` beside sending."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.carrier_account import Account, Answer, Params, page
from localcloud.carrier_configuration_sets import ConfigurationSets
from localcloud.carrier_keywords import Keywords
from localcloud.carrier_numbers import Numbers, OptOutLists, PhoneNumber
from localcloud.carrier_pools import Pools
from localcloud.carrier_protect import ProtectConfigurations
from localcloud.carrier_verified_numbers import VerifiedNumbers
from localcloud.wire import ServiceError

Operation = Callable[[Params], Answer]


class Limits:
    """Account attributes, limits and tags, operations named as AWS names them."""

    def __init__(self, account: Account, used: Callable[[], dict[str, int]]) -> None:
        self._account = account
        self._used = used
        self._override: int | None = None

    def DescribeAccountAttributes(self, params: Params) -> Answer:
        return page("AccountAttributes", [{"Name": "ACCOUNT_TIER", "Value": self._account.figures.tier}], params)

    def DescribeAccountLimits(self, params: Params) -> Answer:
        used = self._used()
        limits = [{"Name": n, "Used": used.get(n, 0), "Max": most} for n, most in self._account.figures.limits.items()]
        return page("AccountLimits", limits, params)

    def DescribeSpendLimits(self, params: Params) -> Answer:
        most, override = self._account.figures.monthly_text_spend_usd, self._override
        enforced = most if override is None else override
        text = {"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": enforced, "MaxLimit": most}
        return page("SpendLimits", [{**text, "Overridden": override is not None}], params)

    def SetTextMessageSpendLimitOverride(self, params: Params) -> Answer:
        most, wanted = self._account.figures.monthly_text_spend_usd, int(params["MonthlyLimit"])
        if wanted > most:
            raise ServiceError(
                "ValidationException",
                f"the account may spend {most} USD a month at most",
                Reason="REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT",
            )
        self._override = wanted
        return {"MonthlyLimit": wanted}

    def DeleteTextMessageSpendLimitOverride(self, params: Params) -> Answer:
        self._override = None
        return {"MonthlyLimit": self._account.figures.monthly_text_spend_usd}

    def TagResource(self, params: Params) -> Answer:
        self._account.tag(params["ResourceArn"], params)
        return {}

    def UntagResource(self, params: Params) -> Answer:
        tags = self._account.tags.get(params["ResourceArn"], {})
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def ListTagsForResource(self, params: Params) -> Answer:
        return {"ResourceArn": params["ResourceArn"], "Tags": self._account.tag_list(params["ResourceArn"])}


class Resources:
    """The account's things in one region. Not thread-safe: used on the host's event loop only."""

    def __init__(self, account: Account) -> None:
        self.figures = account.figures
        self.configuration_sets = ConfigurationSets(account)
        self.opt_out_lists = OptOutLists(account)
        self.numbers = Numbers(account, self.opt_out_lists)
        self.pools = Pools(account, self.numbers, self.opt_out_lists)
        self.protect = ProtectConfigurations(account, self.configuration_sets)
        self.verified_numbers = VerifiedNumbers(account)
        self._keywords = Keywords(account, self.numbers, self.pools)
        self._limits = Limits(account, self._used)

    def origin(self, reference: str | None) -> tuple[PhoneNumber, str]:
        """The number a message from `reference` goes out from, and its opt-out list's name; raises `ServiceError`."""
        pool = self.pools.find(reference) if reference else None
        if pool is not None:
            return pool.numbers[0], pool.opt_out_list
        number = self.numbers.identity(reference)
        return number, number.opt_out_list

    def origin_arn(self, reference: str | None) -> str:
        """The resource an IAM policy is asked about for a message from `reference`."""
        pool = self.pools.find(reference) if reference else None
        return self.numbers.identity_arn(reference) if pool is None else self.pools.arn(pool)

    def operations(self) -> dict[str, Operation]:
        """The operations answered here, by name."""
        parts = (
            *(self.configuration_sets, self.opt_out_lists, self.numbers),
            *(self.pools, self.protect, self.verified_numbers, self._keywords, self._limits),
        )
        return {name: getattr(part, name) for part in parts for name in dir(part) if name[0].isupper()}

    def _used(self) -> dict[str, int]:
        return {
            "PHONE_NUMBERS": self.numbers.used(),
            "POOLS": self.pools.used(),
            "CONFIGURATION_SETS": self.configuration_sets.used(),
            "OPT_OUT_LISTS": self.opt_out_lists.used(),
            "VERIFIED_DESTINATION_NUMBERS": self.verified_numbers.used(),
        }
