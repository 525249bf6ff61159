"""Changes of a campaign that there is: its status, its throughput, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.dynamo import ConditionFailed
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.answers import ApiError
from lambdas.core import keys
from lambdas.core.campaign import OPEN_STATUSES, CampaignError, CampaignStatus, PauseReason, require_transition
from lambdas.core.campaign_request import MAX_TPS, MIN_TPS
from lambdas.core.error_tally import ErrorTally
from lambdas.core.lanes import booked, lanes_of
from lambdas.core.pacing import HORIZON_US
from lambdas.core.rest import rest_until
from lambdas.core.schedule import MAX_DELAY_SECONDS

CHANGEABLE_STATUSES = (
    CampaignStatus.RUNNING,
    CampaignStatus.SCHEDULED,
    CampaignStatus.PAUSED,
    CampaignStatus.CANCELLED,
)


class CampaignChanges:
    """Changes campaigns under the version that the caller has seen, and asks for what a change needs."""

    def __init__(self, campaigns: CampaignTable, plan_queue: Queue, now_ms: Callable[[], int]) -> None:
        self._campaigns = campaigns
        self._plan_queue = plan_queue
        self._now_ms = now_ms

    def change(self, campaign_id: str, document: object) -> None:
        """`PATCH /api/campaigns/{id}`: a status or a throughput, under the version that the caller has seen."""
        meta = self._campaigns.meta(campaign_id)
        if meta is None:
            raise unknown_campaign(campaign_id)
        status = CampaignStatus(meta["status"])
        version, changes = _parse_change(document)
        if version != meta["version"]:
            raise ApiError(
                409, "version_changed", f"the campaign is at version {meta['version']}, not {version}; read it again"
            )
        if "status" in changes:
            try:
                require_transition(status, CampaignStatus(changes["status"]), meta.get("pause_reason"))
            except CampaignError as error:
                raise ApiError(409, "transition", str(error)) from error
            changes |= self._life_changes(meta, CampaignStatus(changes["status"]))
        elif status not in OPEN_STATUSES:
            raise ApiError(409, "transition", f"the campaign is {status}; its throughput no longer matters")
        if changes.get("tps", 0) > meta["tps"]:
            changes |= self._booked_anew(meta)
        try:
            item = self._campaigns.change(campaign_id, changes, status=status, version=version)
        except ConditionFailed as error:
            raise ApiError(409, "version_changed", "the campaign changed meanwhile; read it again") from error
        if item["status"] == CampaignStatus.RUNNING.value:
            self._ask_for_workers(campaign_id, meta, item)
        elif "status" in changes and item["status"] == CampaignStatus.SCHEDULED.value:
            self.ask_for_start(campaign_id, item)

    def _life_changes(self, meta: Mapping[str, Any], new: CampaignStatus) -> dict[str, Any]:
        """What else changes with the status: why it is paused, since when it runs again, how long it had rested."""
        now_ms = self._now_ms()
        if new is CampaignStatus.SCHEDULED and int(meta.get("start_at", 0)) <= now_ms:
            raise ApiError(409, "transition", "the campaign has no start ahead of it; set its status to running")
        reason = PauseReason.OPERATOR.value if new is CampaignStatus.PAUSED else None
        pause = {"pause_reason": reason, "pause_code": None}
        if new is not CampaignStatus.RUNNING:
            return pause
        counted = self._campaigns.summary(keys.campaign_id(meta["pk"]))
        health = {} if counted is None else {"health": ErrorTally.of(counted).to_item()}
        return {**pause, "resumed_at": now_ms, **health, **rest_until(meta, now_ms)}

    def ask_for_start(self, campaign_id: str, meta: Mapping[str, Any]) -> None:
        """Have a campaign started on time that starts before long; the sweeper asks for those of later."""
        left_s = -(-(int(meta.get("start_at", 0)) - self._now_ms()) // 1_000)
        if 0 < left_s <= MAX_DELAY_SECONDS:
            self._plan_queue.send({"campaign_id": campaign_id, "start": True}, delay_s=left_s)

    def _booked_anew(self, meta: Mapping[str, Any]) -> dict[str, int]:
        """The end of booked time of channels that a slower pace has booked out for longer than workers look ahead."""
        now_us = self._now_ms() * 1_000
        return {
            booked(lane.channel): now_us for lane in lanes_of(meta) if (lane.booked_until_us or 0) > now_us + HORIZON_US
        }

    def _ask_for_workers(self, campaign_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A resumed campaign needs a full set of tokens, a faster one those that its new rate needs more."""
        if before["status"] != CampaignStatus.RUNNING.value:
            self._plan_queue.send({"campaign_id": campaign_id})
        elif after["tps"] > before["tps"]:
            self._plan_queue.send({"campaign_id": campaign_id, "tps_before": float(before["tps"])})


def unknown_campaign(campaign_id: str) -> ApiError:
    """404 for an id that no campaign has."""
    return ApiError(404, "unknown_campaign", f"there is no campaign {campaign_id[:64]}")


def _parse_change(document: object) -> tuple[int, dict[str, Any]]:
    if not isinstance(document, dict):
        raise ApiError(400, "invalid_request", "the body must be a JSON object")
    known = {"status", "throughput_tps"} & document.keys()
    version = document.get("expected_version")
    if len(known) != 1 or document.keys() - {"status", "throughput_tps", "expected_version"}:
        raise ApiError(400, "invalid_request", "give exactly one of status and throughput_tps, and expected_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise ApiError(400, "invalid_request", "expected_version must be the version you have read")
    if "status" in known:
        if document["status"] not in CHANGEABLE_STATUSES:
            raise ApiError(400, "invalid_request", f"status must be one of {', '.join(CHANGEABLE_STATUSES)}")
        return version, {"status": str(document["status"])}
    tps = document["throughput_tps"]
    if isinstance(tps, bool) or not isinstance(tps, (int, float)) or not MIN_TPS <= tps <= MAX_TPS:
        raise ApiError(400, "invalid_request", f"throughput_tps must be a number from {MIN_TPS:g} to {MAX_TPS:g}")
    return version, {"tps": Decimal(str(tps))}
