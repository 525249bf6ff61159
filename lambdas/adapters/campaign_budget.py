"""A campaign's own cap, as one of its retries and fallback legs takes from it: one conditional write, exact under any
number, right before the call."""

from __future__ import annotations

from decimal import Decimal

from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core.campaign import LEG_STATUSES, CampaignStatus
from lambdas.core.day_cap import DayFull


class CampaignHalted(Exception):
    """The campaign was paused or ended between two looks at it; whoever looks again learns what follows."""


class CampaignBudget:
    """Implements `lambdas.core.single_sending.DayBudgetPort` over META, and the day that all campaigns share.

    A sender that dies, or whose answer is lost, leaves what it took with the campaign, so the cap errs on the safe side
    by a message each, until the campaign's rows are counted again. The table's client makes each call once
    (`Table.once`).
    """

    def __init__(self, table: Table, campaign_id: str, day: CampaignDay) -> None:
        self._table = table.once()
        self._campaign_id = campaign_id
        self._day = day

    def require_day(self, amount_usd: Decimal) -> None:
        """Raise `CampaignHalted` where the day's cap has no room, by a read: before a leg waits for a slot, which
        others would lack."""
        if self._day.room() < amount_usd:
            raise CampaignHalted("what campaigns may cost today is spent")

    def take(self, amount_usd: Decimal) -> str | None:
        """Take money of the day's cap and of the campaign's; the UTC day that pays, None if the campaign's own does not
        suffice. Raises `CampaignHalted`, also where the day's is spent."""
        day = self._day.reserve(amount_usd)
        if isinstance(day, DayFull):
            raise CampaignHalted(f"what campaigns may cost on {day.day} is spent")
        try:
            taken = self._take_of_campaign(amount_usd)
        except Exception:
            self._day.settle(day, amount_usd, Decimal(0))
            raise
        self._day.settle(day, amount_usd, amount_usd if taken else Decimal(0))
        return day if taken else None

    def _take_of_campaign(self, amount_usd: Decimal) -> bool:
        statuses = {f"status_{status.value}": status.value for status in LEG_STATUSES}
        try:
            self._table.update_once(
                meta_key(self._campaign_id),
                "SET #budget_left = #budget_left - :amount, #spent = #spent + :amount",
                {"amount": amount_usd, **statuses},
                condition=f"#budget_left >= :amount AND #status IN ({', '.join(f':{name}' for name in statuses)})",
            )
        except ConditionFailed as failed:
            if failed.item is not None and CampaignStatus(failed.item["status"]) in LEG_STATUSES:
                return False
            raise CampaignHalted(f"{self._campaign_id} does not send at present") from failed
        return True

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        """Return what was not spent, whatever became of the campaign meanwhile."""
        self._day.settle(day, Decimal(0), -amount_usd)
        self._table.update_once(
            meta_key(self._campaign_id),
            "SET #budget_left = #budget_left + :amount, #spent = #spent - :amount",
            {"amount": amount_usd},
        )
