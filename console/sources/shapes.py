"""AWS's answers and the tables' items as the console's values: every text safe, an unknown shape one clear sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from console.domain import Alarm, AlarmState, ConsoleError, Message, ProblemKind
from console.text import safe_line
from lambdas.core import keys
from lambdas.core.alarm_text import parse_description
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import CampaignSummary

LONG_TEXT = 600

T = TypeVar("T")


def understood(what: str, read: Callable[..., T], raw: object) -> T:
    """`read(raw)`; raises `ConsoleError` of the kind BAD_ANSWER, naming `what`, for a shape that is not known."""
    try:
        return read(raw)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConsoleError(
            ProblemKind.BAD_ANSWER,
            f"{what} has a shape this version does not know ({type(error).__name__}: {safe_line(error, 80)})",
            "is the stack of the same version as this console?",
        ) from error


def campaign_of(items: Sequence[Item], campaign_rates: Mapping[str, float]) -> CampaignSummary:
    """A campaign of its META and COUNT items, on identities that have so many parts per second for campaigns."""
    meta = next(item for item in items if item["sk"] == keys.META)
    counts = [item for item in items if item["sk"].startswith(keys.COUNT_PREFIX)]
    meta = {**meta, "pk": safe_line(meta["pk"], 80)}
    for name in ("stop_reason", "pause_reason", "pause_code"):
        if meta.get(name) is not None:
            meta[name] = safe_line(meta[name], 40)
    return CampaignSummary.from_items(meta, counts, campaign_rates)


def alarm_of(raw: Mapping[str, Any]) -> Alarm:
    """A metric or composite alarm of DescribeAlarms."""
    text = parse_description(safe_line(raw.get("AlarmDescription") or "", LONG_TEXT))
    since = raw.get("StateTransitionedTimestamp") or raw.get("StateUpdatedTimestamp")
    return Alarm(
        name=safe_line(raw["AlarmName"], 255),
        state=AlarmState(raw["StateValue"]),
        severity=text.severity.value,
        since=None if since is None else since.timestamp(),
        reason=safe_line(raw.get("StateReason") or "", LONG_TEXT),
        runbook=text.runbook,
        meaning=text.meaning,
    )


def message_of(item: Item) -> Message:
    """A row of the tracking table."""
    status = str(item["status"])
    changed = (item.get("history") or {}).get(status)
    return Message(
        id=safe_line(item["message_id"], 64),
        customer_id=safe_line(item.get("customer_id", ""), 64),
        channel=safe_line(item.get("channel", ""), 16),
        status=safe_line(status, 16),
        created_ms=int(item["timestamp"]),
        changed_ms=None if changed is None else int(changed),
        cost_usd=None if item.get("cost") is None else float(item["cost"]),
        reason=safe_line(item.get("error_code") or "", 64),
    )
