"""The campaign API: what the console asks of it, and its answers as the console's values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from console import campaigns
from console.domain import (
    AcceptedCampaign,
    CampaignChange,
    CampaignPlan,
    CampaignRequest,
    CampaignState,
    ConsoleError,
    ProblemKind,
    WorstCase,
)
from console.sources.clients import Clients
from console.sources.signed_api import SignedApi
from console.text import safe_line
from lambdas.core.send_window import SendWindow

IDEMPOTENCY_HEADER = "Idempotency-Key"


class HttpCampaignApi:
    """One stack's campaign API. `now` is the epoch second, `wait` sleeps; both injected for tests."""

    def __init__(
        self,
        url: str,
        environment: str,
        clients: Clients,
        now: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = SignedApi(url, clients, now, wait)
        self._environment = environment

    def plan(self, request: CampaignRequest) -> CampaignPlan:
        """A dry run."""
        body = campaigns.document(request, self._environment, dry_run=True)
        return read_plan(self._api.call("POST", "/api/send-campaign", body))

    def send(self, request: CampaignRequest) -> AcceptedCampaign:
        """Create the campaign; a lost answer is asked for again with the same key, which is safe."""
        body = campaigns.document(request, self._environment, dry_run=False)
        answer = self._api.call("POST", "/api/send-campaign", body, {IDEMPOTENCY_HEADER: request.key})
        return AcceptedCampaign(
            id=_text(answer, "campaign_id"), status=_text(answer, "status"), url=safe_line(answer.get("url", ""), 200)
        )

    def state(self, campaign_id: str) -> CampaignState:
        """The campaign as the API sees it now."""
        return _state(self._api.call("GET", f"/api/campaigns/{campaign_id}"))

    def change(self, campaign_id: str, change: CampaignChange, version: int) -> CampaignState:
        """Make one change under the version that was read; raises `ConsoleError` of the kind CHANGED when another one
        holds by now."""
        body = {**campaigns.change_document(change), "expected_version": version}
        return _state(self._api.call("PATCH", f"/api/campaigns/{campaign_id}", body))

    def ping(self) -> None:
        """List campaigns: harmless, and refused where sending would be."""
        self._api.call("GET", "/api/campaigns")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(f"lacks {name}")
    return safe_line(value, 100)


def _state(answer: Mapping[str, Any]) -> CampaignState:
    try:
        reason = answer.get("pause_reason")
        return CampaignState(
            id=_text(answer, "campaign_id"),
            status=_text(answer, "status"),
            version=int(answer["version"]),
            tps=float(answer["throughput_tps"]),
            pause_reason=None if reason is None else safe_line(reason, 40),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed(f"is no campaign ({type(error).__name__}: {safe_line(error, 60)})") from error


def read_plan(answer: Mapping[str, Any]) -> CampaignPlan:
    """A plan as the API shows it; raises `ConsoleError` for anything else."""
    try:
        seconds = answer["duration_seconds"]
        return CampaignPlan(
            recipients=int(answer["recipients"]),
            parts=int(answer["parts"]),
            cost_usd=float(answer["cost_usd"]),
            duration_seconds=None if seconds is None else float(seconds),
            excluded_by_reason={safe_line(k, 40): int(v) for k, v in answer.get("excluded_by_reason", {}).items()},
            by_country={safe_line(k, 8): int(v["messages"]) for k, v in answer.get("by_country", {}).items()},
            by_channel={safe_line(k, 16): int(v["messages"]) for k, v in answer.get("by_channel", {}).items()},
            limited_by=safe_line(answer.get("forecast", {}).get("limited_by") or "", 40),
            pauses_at=safe_line(answer.get("forecast", {}).get("pauses_at") or "", 40),
            worst=_worst_case(answer) if "highest_cost_with_fallback_usd" in answer else None,
            window=SendWindow.from_json(answer["send_window"]) if answer.get("send_window") else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _malformed(f"has no plan ({type(error).__name__}: {safe_line(error, 60)})") from error


def _worst_case(answer: Mapping[str, Any]) -> WorstCase:
    return WorstCase(
        usd=float(answer["highest_cost_usd"]),
        with_fallback_usd=float(answer["highest_cost_with_fallback_usd"]),
        cap_usd=float(answer["spend_cap_usd"]),
        over_cap=bool(answer["over_cap"]),
        over_cap_with_fallback=bool(answer["over_cap_with_fallback"]),
    )


def _malformed(why: str) -> ConsoleError:
    return ConsoleError(
        ProblemKind.BAD_ANSWER,
        f"the campaign API's answer {why}",
        "is the stack of the same version as this console?",
    )
