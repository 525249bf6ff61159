"""`campaign send --audience FILE`: an uploaded audience, its plan, and the campaign to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from console.audiences import AudienceOrder
from console.campaigns import require_confirmed
from console.domain import CampaignRequest, ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import campaign, talk
from console.services.monitor import stack_facts
from console.sources.api import read_plan
from console.sources.audience_api import AudienceApi
from console.sources.base import Connection
from console.sources.signed_api import SignedApi
from console.text import safe_line
from console.view import format as fmt
from console.view import plan as plan_view
from console.view.segments import text_of

POLL_SECONDS = 1.0
PLANNED_STATUSES = ("ready", "failed")


def send(
    connection: Connection,
    order: AudienceOrder,
    *,
    dry_run: bool,
    allow_actions: bool,
    confirm: str | None,
    wait: bool,
    wait_receipts: float | None,
    as_json: bool,
) -> ExitCode:
    """Upload the file, then show its plan or start the campaign and follow it as `campaign.send` does."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    api = _api(connection)
    audience_id = _upload(api, order)
    if dry_run:
        plan_id = api.dry_run(order, audience_id)
        return _show(_planned(lambda: api.plan(plan_id)), order.tps, as_json=as_json)
    accepted = api.send(order, audience_id)
    talk.say(f"campaign {accepted.id} is {accepted.status}; Idempotency-Key {order.key}")
    if not wait and wait_receipts is None:
        if as_json:
            talk.put_json({"campaign_id": accepted.id, "audience_id": audience_id, "url": accepted.url})
        else:
            talk.put(accepted.id)
        return ExitCode.OK
    plan = _planned(lambda: api.campaign_plan(accepted.id))
    if plan["status"] == "failed":
        return _show(plan, order.tps, as_json=as_json)
    recipients = read_plan(plan["plan"]).recipients
    followed, code = campaign.follow(
        connection, accepted.id, CampaignRequest(recipients, order.tps, order.body or "", order.key), wait_receipts
    )
    if as_json:
        talk.put_json(followed.to_json())
    else:
        talk.put(text_of(plan_view.outcome_lines(followed)))
    return code


def _api(connection: Connection) -> AudienceApi:
    if connection.clients is None:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, "this stack is made up or replayed", "connect to one that takes uploads"
        )
    return AudienceApi(SignedApi(connection.outputs.campaigns.api_url, connection.clients), connection.clients)


def _upload(api: AudienceApi, order: AudienceOrder) -> str:
    course = talk.Course()
    size = f"{fmt.si(order.size)}B"

    def told(sent: int) -> None:
        course(f"uploading {safe_line(order.path.name, 60)}: {fmt.percent(sent, order.size)} of {size}")

    audience_id = api.upload(order, told)
    talk.say(f"uploaded {size} as audience {audience_id}")
    return audience_id


def _planned(read: Callable[[], dict[str, Any]], sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Wait for a plan, telling how far it is; it either gets ready or fails, the API sees to that."""
    told = -1
    while (plan := read()).get("status") not in PLANNED_STATUSES:
        rows = int(plan.get("planned_rows", 0))
        if rows != told:
            talk.say(f"planning: {fmt.count(rows)} rows read")
            told = rows
        sleep(POLL_SECONDS)
    return plan


def _show(plan: Mapping[str, Any], tps: float, *, as_json: bool) -> ExitCode:
    if as_json:
        talk.put_json(plan)
    if plan["status"] == "failed":
        if not as_json:
            talk.say(f"the audience cannot be planned: {safe_line(plan.get('problem', ''), 1_000)}")
        return ExitCode.FAILED
    found = read_plan(plan["plan"])
    if not as_json:
        talk.put(text_of(plan_view.preflight_lines(found, tps)))
        talk.say("the rows left out, each with its reason, for a quarter of an hour:")
        talk.say(safe_line(plan["report"]["url"], 4_000))
    return ExitCode.OK if found.recipients else ExitCode.FAILED
