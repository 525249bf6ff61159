"""The campaign API's verbs, each answering a status code and a JSON body."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.content import Content, request_key
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.answers import Answer, ApiError, Caller
from lambdas.campaign_api.audiences import AudienceService
from lambdas.campaign_api.changes import CampaignChanges, unknown_campaign
from lambdas.campaign_api.plans import PlanService
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.campaign_api.templates import TemplateService
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, CampaignSummary
from lambdas.core.campaign_request import (
    CampaignRequest,
    RequestError,
    canonical_hash,
    parse_campaign_request,
    with_promotional_window,
)
from lambdas.core.channels import Routes
from lambdas.core.days import SECONDS_PER_DAY
from lambdas.core.plan import batches, new_planning, require_room
from lambdas.core.plan_row import rules_of
from lambdas.core.preflight import Terms, daily_quotas, preflight
from lambdas.core.prices import PriceList
from lambdas.core.schedule import wrong_start
from lambdas.core.send_options import SendOptions, price_text
from lambdas.core.send_window import SendWindow
from lambdas.core.templates import TemplateBook

REPEAT_SECONDS = 600
"""An equal body without any key within this time is taken for an accident."""
MAX_LISTED = 100


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
        self._changes = CampaignChanges(campaigns, plan_queue, now_ms)
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
            self._changes.ask_for_start(campaign_id, current)
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
            raise unknown_campaign(campaign_id)
        return Answer(200, {**summary.to_json(self._now_ms()), "plan": self._plans.of_campaign(campaign_id)})

    def report(self, campaign_id: str) -> Answer:
        """`GET /api/campaigns/{id}/report`."""
        if self._campaigns.meta(campaign_id) is None:
            raise unknown_campaign(campaign_id)
        return self._plans.report(campaign_id)

    def change(self, campaign_id: str, document: object) -> Answer:
        """`PATCH /api/campaigns/{id}`: the campaign as `show` answers it, changed."""
        self._changes.change(campaign_id, document)
        return self.show(campaign_id)

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
