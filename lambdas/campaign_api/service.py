"""The campaign API's verbs, each answering a status code and a JSON body."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.content import Content, request_key
from lambdas.adapters.dynamo import ConditionFailed
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.answers import Answer, ApiError, Caller
from lambdas.campaign_api.audiences import AudienceService
from lambdas.campaign_api.plans import PlanService
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.campaign_api.templates import TemplateService
from lambdas.core import keys
from lambdas.core.campaign import (
    OPEN_STATUSES,
    CampaignError,
    CampaignStatus,
    CampaignSummary,
    PauseReason,
    require_transition,
)
from lambdas.core.campaign_request import (
    MAX_TPS,
    MIN_TPS,
    CampaignRequest,
    RequestError,
    canonical_hash,
    parse_campaign_request,
    with_promotional_window,
)
from lambdas.core.channels import Routes
from lambdas.core.error_tally import ErrorTally
from lambdas.core.lanes import booked, lanes_of
from lambdas.core.pacing import HORIZON_US
from lambdas.core.plan import batches, new_planning, require_room
from lambdas.core.plan_row import rules_of
from lambdas.core.preflight import Terms, daily_quotas, preflight
from lambdas.core.prices import PriceList
from lambdas.core.rest import rest_until
from lambdas.core.schedule import MAX_DELAY_SECONDS, wrong_start
from lambdas.core.send_options import SendOptions, price_text
from lambdas.core.send_window import SendWindow
from lambdas.core.templates import TemplateBook

SECONDS_PER_DAY = 86_400
REPEAT_SECONDS = 600
"""An equal body without any key within this time is taken for an accident."""
MAX_LISTED = 100
CHANGEABLE_STATUSES = (
    CampaignStatus.RUNNING,
    CampaignStatus.SCHEDULED,
    CampaignStatus.PAUSED,
    CampaignStatus.CANCELLED,
)


class CampaignService:
    """Accepts, shows and changes campaigns."""

    def __init__(
        self,
        settings: CampaignApiSettings,
        campaigns: CampaignTable,
        content: Content,
        opt_outs: ChannelOptOuts,
        plan_queue: Queue,
        routes: Routes,
        now_ms: Callable[[], int],
        audiences: AudienceService,
        plans: PlanService,
        templates: TemplateService,
    ) -> None:
        self._settings = settings
        self._routes = routes
        self._campaigns = campaigns
        self._content = content
        self._opt_outs = opt_outs
        self._audiences = audiences
        self._plans = plans
        self._templates = templates
        self._plan_queue = plan_queue
        self._now_ms = now_ms

    def send(self, asked: object, caller: Caller) -> Answer:
        """`POST /api/send-campaign`: 200 for a dry run, 202 for a campaign, the same 202 for the same key and body.

        A dry run over an upload answers 202 with a plan to be read.
        """
        document = with_promotional_window(asked, SendWindow.from_text(self._settings.promotional_window))
        try:
            request = parse_campaign_request(document)
            require_room(request.recipients)
        except RequestError as error:
            raise ApiError(400, "invalid_request", str(error), problems=error.problems) from error
        assert isinstance(asked, dict)
        assert isinstance(document, dict)
        cap = self._spend_cap(request)
        if request.dry_run:
            self._require_start_ahead(request)
            templates = self._templates.of_campaign(request)
            if request.audience_id is not None:
                return self._plans.dry_run(document, caller, self._audiences.require(request.audience_id), cap)
            return Answer(200, {"dry_run": True, **self._preflight(request, cap, templates)})
        body_hash = canonical_hash({name: value for name, value in asked.items() if name != "dry_run"})
        campaign_id = self._campaign_id(request, caller, body_hash)
        stored = {**document, "dry_run": False}
        item = self._meta_item(campaign_id, request, caller, cap)
        item |= {"body_hash": body_hash, "request_key": request_key(stored)}
        existing = self._campaigns.meta(campaign_id)
        if existing is None:
            self._require_start_ahead(request)
            self._templates.of_campaign(request)
            if request.audience_id is not None:
                upload = self._audiences.require(request.audience_id)
                self._plans.pin(campaign_id, upload, item["ttl"])
            self._content.put_request(stored)
            existing = self._campaigns.create(item)
        if existing is not None and existing["body_hash"] != body_hash:
            raise ApiError(
                409,
                "key_reused",
                f"{campaign_id} was created with another body; use a new campaign_id or Idempotency-Key",
                url=_url(campaign_id),
            )
        current = existing or item
        if current["status"] == CampaignStatus.CREATED.value:
            self._plan_queue.send({"campaign_id": campaign_id})
            self._ask_for_start(campaign_id, current)
        summary = CampaignSummary.from_items(current, ())
        return Answer(202, {**summary.to_json(), "url": _url(campaign_id)}, {"Location": _url(campaign_id)})

    def _require_start_ahead(self, request: CampaignRequest) -> None:
        """Refuse a start in the past, but not the repeated request of a campaign that has started meanwhile."""
        start_ms = request.options.start_ms
        if start_ms is None:
            return
        if wrong := wrong_start(start_ms, self._now_ms(), self._settings.retention_days):
            raise ApiError(400, "invalid_request", wrong, problems=[wrong])

    def _spend_cap(self, request: CampaignRequest) -> Decimal:
        most = self._settings.campaign_spend_cap_usd
        if request.options.spend_cap_usd is not None and request.options.spend_cap_usd > most:
            raise ApiError(
                400, "invalid_request", f"options.spend_cap_usd may be at most {most:g}, the stack's own cap"
            )
        return Decimal(str(request.options.spend_cap_usd if request.options.spend_cap_usd is not None else most))

    def _preflight(self, request: CampaignRequest, cap: Decimal, templates: TemplateBook) -> dict[str, Any]:
        prices, countries = PriceList.from_text(self._settings.prices), self._settings.allowed_countries
        rules = rules_of(request, self._routes, prices, self._now_ms(), templates=templates, countries=countries)
        planning = new_planning(rules, self._opt_outs.opted_out)
        for batch in batches(request.recipients):
            for _ in planning.plan(batch):  # the totals are all that is wanted
                pass
        terms = Terms(
            request.throughput_tps,
            float(cap),
            max(self._now_ms(), request.options.start_ms or 0) / 1_000,
            daily_quotas=daily_quotas(email=self._settings.email_daily_quota),
            sms_monthly_usd=self._settings.sms_monthly_spend_usd or None,
            daily_cap_usd=self._settings.campaigns_daily_cap_usd or None,
            window=request.options.window,
        )
        return preflight(planning.totals, self._routes, terms)

    def _campaign_id(self, request: CampaignRequest, caller: Caller, body_hash: str) -> str:
        """The caller's id, else one that its key determines, else a new one unless it repeats itself."""
        if request.campaign_id is not None:
            return request.campaign_id
        if caller.idempotency_key is not None:
            digest = hashlib.sha256(f"{caller.identity}\n{caller.idempotency_key}".encode()).hexdigest()
            return f"c-{digest[:20]}"
        new_id = f"c-{secrets.token_hex(10)}"
        now_s = self._now_ms() // 1_000
        repeated = self._campaigns.remember_body(caller.identity, body_hash, new_id, now_s, REPEAT_SECONDS)
        if repeated is not None and self._campaigns.meta(repeated) is None:
            return repeated
        if repeated is not None:
            raise ApiError(
                409,
                "repeated_body",
                f"the same body was accepted less than {REPEAT_SECONDS // 60} minutes ago as {repeated};"
                " send an Idempotency-Key to say whether it is meant again",
                url=_url(repeated),
            )
        return new_id

    def _meta_item(self, campaign_id: str, request: CampaignRequest, caller: Caller, cap: Decimal) -> dict[str, Any]:
        now_ms = self._now_ms()
        return {
            "pk": keys.campaign(campaign_id),
            "sk": keys.META,
            "listing": keys.ALL_CAMPAIGNS,
            "created_at": now_ms,
            "caller": caller.identity,
            "status": CampaignStatus.CREATED.value,
            "version": 1,
            "tps": Decimal(str(request.throughput_tps)),
            "rows": len(request.recipients),
            "claimed_rows": 0,
            "done_rows": 0,
            "suppressed": 0,
            "unsent": 0,
            "reserved": Decimal(0),
            "spent": Decimal(0),
            "cap": cap,
            "budget_left": cap,
            "message_type": request.options.message_type,
            "max_price": price_text(request.options.max_price_usd),
            "validity_seconds": request.options.validity_seconds,
            **self._life(request),
            "ttl": now_ms // 1_000 + self._settings.retention_days * SECONDS_PER_DAY,
        }

    def _life(self, request: CampaignRequest) -> dict[str, Any]:
        """When the campaign sends and what makes it pause; what does not apply is left out."""
        options = request.options
        return {
            **({} if options.start_ms is None else {"start_at": options.start_ms}),
            **({} if options.window is None else {"window": options.window.to_json()}),
            "pause_error_rate": Decimal(str(self._pause_error_rate(options))),
        }

    def _pause_error_rate(self, options: SendOptions) -> float:
        asked = options.pause_error_rate
        return self._settings.campaign_pause_error_rate if asked is None else asked

    def newest(self, limit: str | None) -> Answer:
        """`GET /api/campaigns`."""
        try:
            number = int(limit) if limit is not None else 20
        except ValueError:
            number = 0
        if not 1 <= number <= MAX_LISTED:
            raise ApiError(400, "invalid_request", f"limit must be a whole number from 1 to {MAX_LISTED}")
        return Answer(
            200, {"campaigns": [summary.to_json(self._now_ms()) for summary in self._campaigns.newest(number)]}
        )

    def show(self, campaign_id: str) -> Answer:
        """`GET /api/campaigns/{id}`: the campaign with its counters, and its plan."""
        summary = self._campaigns.summary(campaign_id)
        if summary is None:
            raise _unknown(campaign_id)
        return Answer(200, {**summary.to_json(self._now_ms()), "plan": self._plans.of_campaign(campaign_id)})

    def report(self, campaign_id: str) -> Answer:
        """`GET /api/campaigns/{id}/report`."""
        if self._campaigns.meta(campaign_id) is None:
            raise _unknown(campaign_id)
        return self._plans.report(campaign_id)

    def change(self, campaign_id: str, document: object) -> Answer:
        """`PATCH /api/campaigns/{id}`: a status or a throughput, under the version that the caller has seen."""
        meta = self._campaigns.meta(campaign_id)
        if meta is None:
            raise _unknown(campaign_id)
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
            self._ask_for_start(campaign_id, item)
        return self.show(campaign_id)

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

    def _ask_for_start(self, campaign_id: str, meta: Mapping[str, Any]) -> None:
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

    def environment(self) -> Answer:
        """`GET /api/environment`."""
        name = self._settings.environment
        return Answer(
            200,
            {
                "environment": name,
                "is_production": name == "prod",
                "aws_enabled": name != "local",
                "region": self._settings.region,
                "version": self._settings.version,
            },
        )


def _url(campaign_id: str) -> str:
    return f"/api/campaigns/{campaign_id}"


def _unknown(campaign_id: str) -> ApiError:
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
