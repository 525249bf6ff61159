"""`campaign send|list|show`: test campaigns from scripts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from console.campaigns import require_confirmed
from console.domain import CampaignRequest
from console.exit_codes import ExitCode
from console.headless import talk
from console.services.errors import classify
from console.services.monitor import stack_facts
from console.sources.base import Connection
from console.tallies import is_open, tally
from console.view import format as fmt
from console.view import plan as plan_view
from console.view.overview import list_note
from console.view.plan import excluded_words
from console.view.segments import text_of
from lambdas.core.campaign import CampaignStatus, CampaignSummary

POLL_SECONDS = 1.0
PATIENCE = 10
"""Reads that may fail in a row while waiting, before the wait is given up."""
COUNTING_SECONDS = 15.0
"""How long the counters of an ended campaign may stand still before they are taken as they are."""
STALL_FACTOR = 3.0
STALL_FLOOR = 120.0


def send(
    connection: Connection,
    request: CampaignRequest,
    *,
    allow_actions: bool,
    confirm: str | None,
    wait: bool,
    wait_receipts: float | None,
    as_json: bool,
) -> ExitCode:
    """Send a test campaign; wait for `completed`, then up to `wait_receipts` seconds for `settled`."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    accepted = connection.api.send(request)
    talk.say(f"campaign {accepted.id} is {accepted.status}; Idempotency-Key {request.key}")
    if not wait and wait_receipts is None:
        if as_json:
            talk.put_json({"campaign_id": accepted.id, "status": accepted.status, "url": accepted.url})
        else:
            talk.put(accepted.id)
        return ExitCode.OK
    campaign, code = follow(connection, accepted.id, request, wait_receipts)
    if as_json:
        talk.put_json(campaign.to_json())
    else:
        talk.put(text_of(plan_view.outcome_lines(campaign)))
    return code


def dry_run(connection: Connection, request: CampaignRequest, *, as_json: bool) -> ExitCode:
    """Show what would be sent; nothing is, so a read-only console may ask."""
    plan = connection.api.plan(request)
    if as_json:
        talk.put_json(
            {
                "dry_run": True,
                "recipients": plan.recipients,
                "excluded_by_reason": dict(plan.excluded_by_reason),
                "parts": plan.parts,
                "cost_usd": plan.cost_usd,
                "worst_case": None if plan.worst is None else asdict(plan.worst),
                "duration_seconds": plan.duration_seconds,
                "by_country": dict(plan.by_country),
                "by_channel": dict(plan.by_channel),
            }
        )
    else:
        talk.put(text_of(plan_view.plan_lines(plan, request)))
    return ExitCode.OK


def follow(
    connection: Connection,
    campaign_id: str,
    request: CampaignRequest,
    wait_receipts: float | None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[CampaignSummary, ExitCode]:
    """Follow a campaign to its end, telling the course on stderr; the last state and the code it deserves.

    Gives up when three times the planned duration (at least two minutes) passes without any progress.
    """
    patience = STALL_FLOOR + STALL_FACTOR * request.recipients / request.tps
    campaign = _settle(connection, campaign_id, lambda c: not is_open(c), patience, sleep, monotonic)
    if is_open(campaign):
        talk.say(f"campaign {campaign_id} made no progress for {fmt.span(patience)}; it goes on without us")
        return campaign, ExitCode.TIMED_OUT
    campaign = _settle(connection, campaign_id, _is_counted, COUNTING_SECONDS, sleep, monotonic)
    if campaign.status is not CampaignStatus.COMPLETED or not campaign.total("sent"):
        if campaign.excluded and not campaign.recipients:
            talk.say(f"nobody got anything: {excluded_words(campaign)}")
        return campaign, ExitCode.FAILED
    if wait_receipts is not None and not campaign.settled:
        campaign = _receipts(connection, campaign, wait_receipts, sleep, monotonic)
        if not campaign.settled:
            counts = tally(campaign)
            missing = counts.awaiting_receipt + counts.in_doubt + counts.queued
            talk.say(f"{fmt.count(missing)} receipts are missing after {fmt.span(wait_receipts)}")
            return campaign, ExitCode.TIMED_OUT
    return campaign, ExitCode.OK


def _is_counted(campaign: CampaignSummary) -> bool:
    """Whether the counters know every row that was handed over: they follow the rows by seconds."""
    return campaign.handled >= campaign.done_rows - campaign.unsent


def _settle(
    connection: Connection,
    campaign_id: str,
    over: Callable[[CampaignSummary], bool],
    patience: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> CampaignSummary:
    """Poll until `over`, or until nothing has moved for `patience` seconds."""
    moved_at, before = monotonic(), ""
    while True:
        campaign = _read(connection, campaign_id, sleep)
        course = progress_words(campaign)
        if course != before:
            talk.say(course)
            moved_at, before = monotonic(), course
        if over(campaign) or monotonic() - moved_at > patience:
            return campaign
        sleep(POLL_SECONDS)


def _receipts(
    connection: Connection,
    campaign: CampaignSummary,
    seconds: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> CampaignSummary:
    end, before = monotonic() + seconds, ""
    while not campaign.settled and monotonic() < end:
        sleep(min(POLL_SECONDS, max(0.0, end - monotonic())))
        campaign = _read(connection, campaign.id, sleep)
        course = progress_words(campaign)
        if course != before:
            talk.say(course)
            before = course
    return campaign


def _read(connection: Connection, campaign_id: str, sleep: Callable[[float], None]) -> CampaignSummary:
    """One state; a wait survives a few failing reads, told on stderr."""
    for attempt in range(PATIENCE):
        try:
            return connection.source.campaign(campaign_id)
        except Exception as error:
            if attempt == PATIENCE - 1:
                raise
            talk.say(f"cannot read the campaign ({classify(error)}); asking again")
            sleep(POLL_SECONDS * (attempt + 1))
    raise AssertionError("the last attempt returns or raises")


def progress_words(campaign: CampaignSummary) -> str:
    """One line about a campaign's course."""
    counts = tally(campaign)
    return (
        f"{campaign.status.value}: {fmt.count(campaign.total('sent'))} of {fmt.count(campaign.recipients)} sent, "
        f"{fmt.count(counts.delivered)} delivered, {fmt.count(counts.failed)} failed, "
        f"{fmt.count(counts.awaiting_receipt)} awaiting receipt, {fmt.rate(campaign.achieved_tps)}"
    )


def list_all(connection: Connection, *, as_json: bool) -> ExitCode:
    """The newest campaigns."""
    campaigns = connection.source.campaigns()
    if as_json:
        talk.put_json([campaign.to_json() for campaign in campaigns])
    elif campaigns:
        talk.put(text_of(plan_view.campaign_table(campaigns)))
        if cut := list_note(campaigns):
            talk.say(f"{cut} campaigns are listed")
    else:
        talk.say("there are no campaigns")
    return ExitCode.OK


def show(connection: Connection, campaign_id: str, *, as_json: bool) -> ExitCode:
    """One campaign."""
    campaign = connection.source.campaign(campaign_id)
    if as_json:
        talk.put_json(campaign.to_json())
    else:
        talk.put(text_of(plan_view.outcome_lines(campaign)))
    return ExitCode.OK
