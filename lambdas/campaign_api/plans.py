"""Plans as resources: dry runs over uploads, how far a campaign's planning is, and the reports of rows left out."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.audiences import Upload
from lambdas.adapters.content import Content
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.answers import Answer, ApiError, Caller
from lambdas.core import keys
from lambdas.core.campaign_request import canonical_hash
from lambdas.core.days import SECONDS_PER_DAY

GIVEN_UP_MS = 900_000
"""A plan that has not gone on for this long lies in the plan queue's DLQ (three tries)."""
LINK_SECONDS = 900
"""How long the link to a report may be used."""


class PlanService:
    """Asks for plans and shows them."""

    def __init__(
        self, plans: PlanTable, content: Content, plan_queue: Queue, retention_days: int, now_ms: Callable[[], int]
    ) -> None:
        self._plans = plans
        self._content = content
        self._queue = plan_queue
        self._retention_days = retention_days
        self._now_ms = now_ms

    def dry_run(self, document: Mapping[str, Any], caller: Caller, upload: Upload, cap: Decimal) -> Answer:
        """202 with the URL of a plan to be read; the same key and body get the same plan."""
        body_hash = canonical_hash(document)
        plan_id = f"p-{secrets.token_hex(10)}"
        if caller.idempotency_key is not None:
            text = f"{caller.identity}\n{caller.idempotency_key}\nplan"
            plan_id = f"p-{hashlib.sha256(text.encode()).hexdigest()[:20]}"
        now_ms = self._now_ms()
        item = {
            **_key(plan_id),
            "created_at": now_ms,
            "progressed_at": now_ms,
            "caller": caller.identity,
            "body_hash": body_hash,
            "request_key": self._content.put_request(document),
            "upload": upload.to_item(),
            "cap": cap,
            "ttl": now_ms // 1_000 + self._retention_days * SECONDS_PER_DAY,
        }
        existing = self._plans.create(item)
        if existing is not None and existing["body_hash"] != body_hash:
            raise ApiError(
                409, "key_reused", f"{plan_id} was asked for with another body; use a new Idempotency-Key",
                url=_url(plan_id),
            )  # fmt: skip
        if existing is None or not {"summary", "problem"} & existing.keys():
            self._queue.send({"plan_id": plan_id})
        shown = self._shown(PlanState.from_item(existing or item))
        return Answer(202, {"plan_id": plan_id, **shown, "url": _url(plan_id)}, {"Location": _url(plan_id)})

    def pin(self, campaign_id: str, upload: Upload, expires_s: int) -> None:
        """Say which upload a campaign is sent to, before it is created: later ones under the same id change nothing."""
        self._plans.pin(keys.campaign(campaign_id), upload, expires_s, now_ms=self._now_ms())

    def show(self, plan_id: str) -> Answer:
        """`GET /api/plans/{id}`: planning with the rows read so far, ready with the plan, or failed with a sentence."""
        state = self._plans.state(keys.plan(plan_id))
        if state is None:
            raise ApiError(404, "unknown_plan", f"there is no plan {plan_id[:64]}")
        return Answer(200, {"plan_id": plan_id, "dry_run": True, **self._shown(state)})

    def of_campaign(self, campaign_id: str) -> dict[str, Any] | None:
        """The plan of a campaign, as `show` answers; None before its planning has begun."""
        state = self._plans.state(keys.campaign(campaign_id))
        return None if state is None else self._shown(state)

    def report(self, campaign_id: str) -> Answer:
        """`GET /api/campaigns/{id}/report`: a link to the CSV file of the rows left out."""
        state = self._plans.state(keys.campaign(campaign_id))
        if state is None or state.report is None:
            raise ApiError(
                409, "not_planned", f"campaign {campaign_id[:64]} has no report: it is not planned, or cannot be"
            )
        return Answer(200, self._link(state.report))

    def _shown(self, state: PlanState) -> dict[str, Any]:
        if state.problem is not None:
            return {"status": "failed", "planned_rows": state.rows, "problem": state.problem}
        if state.summary is not None and state.report is not None:
            links = {"report": self._link(state.report)}
            return {"status": "ready", "planned_rows": state.rows, "plan": state.summary, **links}
        now_ms = self._now_ms()
        if state.held_until_ms < now_ms and now_ms - state.progressed_ms > GIVEN_UP_MS:
            problem = "planning has failed on our side and is not tried any more; ask for the plan again"
            return {"status": "failed", "planned_rows": state.rows, "problem": problem}
        return {"status": "planning", "planned_rows": state.rows}

    def _link(self, key: str) -> dict[str, Any]:
        return {
            "url": self._content.link(key, LINK_SECONDS),
            "expires_at_ms": self._now_ms() + LINK_SECONDS * 1_000,
        }


def _key(plan_id: str) -> dict[str, str]:
    return {"pk": keys.plan(plan_id), "sk": keys.PLAN}


def _url(plan_id: str) -> str:
    return f"/api/plans/{plan_id}"
