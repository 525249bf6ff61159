"""The campaigns table as the API, the planner and the sweeper see it: META and COUNT items (docs/data-model.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, CampaignSummary, PauseReason, StopReason


def meta_key(campaign_id: str) -> dict[str, str]:
    """Key of a campaign's META item."""
    return {"pk": keys.campaign(campaign_id), "sk": keys.META}


class CampaignTable:
    """Campaigns as a whole; what the workers of one channel do with them is `CampaignLane`.

    `campaign_rates`, by which summaries reckon when a campaign ends, are parts per second that campaigns may take.
    """

    def __init__(self, table: Table, campaign_rates: Mapping[str, float] | None = None) -> None:
        self._table = table
        self._campaign_rates = campaign_rates or {}

    def meta(self, campaign_id: str) -> Item | None:
        """The META item itself."""
        return self._table.get(meta_key(campaign_id))

    def create(self, item: Mapping[str, Any]) -> Item | None:
        """Put a new META item; the one that is there already, if any."""
        try:
            self._table.put_new(item, "pk")
        except ConditionFailed as failed:
            return failed.item or self.meta(keys.campaign_id(item["pk"]))
        return None

    def remember_body(self, caller: str, body_hash: str, campaign_id: str, now_s: int, seconds: int) -> str | None:
        """Note that a caller sent this body; the campaign it made if it did so less than `seconds` ago."""
        try:
            self._table.update(
                {"pk": f"BODY#{caller}#{body_hash}", "sk": "BODY"},
                "SET #campaign_id = :campaign_id, #ttl = :ttl",
                {"campaign_id": campaign_id, "ttl": now_s + seconds, "now": now_s},
                condition="attribute_not_exists(#ttl) OR #ttl < :now",
            )
        except ConditionFailed as failed:
            return str(failed.item["campaign_id"]) if failed.item else campaign_id
        return None

    def summary(self, campaign_id: str) -> CampaignSummary | None:
        """A campaign with its counters."""
        meta = self.meta(campaign_id)
        if meta is None:
            return None
        counts = self._table.query(
            "#pk = :pk AND begins_with(#sk, :prefix)", {"pk": keys.campaign(campaign_id), "prefix": keys.COUNT_PREFIX}
        )
        return CampaignSummary.from_items(meta, counts, self._campaign_rates)

    def newest(self, limit: int) -> list[CampaignSummary]:
        """The newest campaigns first."""
        listed = self._table.query(
            "#listing = :listing",
            {"listing": keys.ALL_CAMPAIGNS},
            index=keys.CREATED_INDEX,
            newest_first=True,
            limit=limit,
        )
        summaries = (self.summary(keys.campaign_id(item["pk"])) for item in listed)
        return [summary for summary in summaries if summary is not None]

    def change(self, campaign_id: str, changes: Mapping[str, Any], *, status: CampaignStatus, version: int) -> Item:
        """Set attributes of META while it has this status and version; raises `ConditionFailed`."""
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        return self._table.update(
            meta_key(campaign_id),
            f"SET {sets}, #version = #version + :one",
            {**changes, "one": 1, "was_status": status.value, "was_version": version},
            condition="#status = :was_status AND #version = :was_version",
        )

    def complete(self, campaign_id: str) -> None:
        """running -> completed; no error if the campaign has ended otherwise."""
        self._move(campaign_id, {CampaignStatus.RUNNING}, CampaignStatus.COMPLETED, stop_reason=None)

    def pause(self, campaign_id: str, reason: PauseReason, code: str | None = None) -> bool:
        """running -> paused, with the reason and a provider's code; False if the campaign was not running."""
        running = {CampaignStatus.RUNNING}
        return self._move(campaign_id, running, CampaignStatus.PAUSED, pause_reason=reason.value, pause_code=code)

    def stop(self, campaign_id: str, reason: StopReason | str) -> None:
        """open -> stopped, with the reason; no error if the campaign has ended otherwise."""
        self._move(campaign_id, OPEN_STATUSES, CampaignStatus.STOPPED, stop_reason=str(reason))

    def _move(
        self, campaign_id: str, allowed: Collection[CampaignStatus], status: CampaignStatus, **reason: str | None
    ) -> bool:
        before = {f"from_{old.value}": old.value for old in allowed}
        sets = ", ".join(f"#{name} = :{name}" for name in reason)
        try:
            self._table.update(
                meta_key(campaign_id),
                f"SET #status = :status, {sets}, #version = #version + :one",
                {"status": status.value, **reason, "one": 1, **before},
                condition=f"#status IN ({', '.join(f':{name}' for name in before)})",
            )
        except ConditionFailed:
            return False
        return True
