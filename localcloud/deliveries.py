"""Events to targets under IAM: a queue or topic whose policy does not let EventBridge in gets nothing, as on AWS.

ministack delivers without asking. What cannot be delivered goes to the target's dead-letter queue when it has one.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id
from ministack.services import eventbridge, sns, sqs

_log = logging.getLogger(__name__)
_PRINCIPAL = "events.amazonaws.com"


def install() -> None:
    """Take the place of ministack's delivery to one target."""
    deliver = eventbridge._invoke_target

    def checked(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        problem = _refusal(target.get("Arn", ""), rule.get("Arn", ""))
        if problem is None:
            deliver(target, event, rule, view)
            return
        _log.warning("rule %s: no delivery to %s: %s", rule.get("Name"), target.get("Arn"), problem)
        parked = (target.get("DeadLetterConfig") or {}).get("Arn")
        if parked and _refusal(parked, rule.get("Arn", "")) is None:
            # As with `deliver`, but the whole event and no transformation: what a dead-letter queue gets on AWS.
            view = view or eventbridge._pattern_event_view(event)
            eventbridge._dispatch_to_sqs(parse_arn(parked), json.dumps(view.event_with_detail()))

    eventbridge._invoke_target = checked


def _refusal(target: str, source: str) -> str | None:
    """Why a rule's event may not reach a queue or topic; None for other targets and for schedules (by role)."""
    try:
        spec, rule = parse_arn(target), parse_arn(source)
    except ArnParseError:
        return None
    if rule.service != "events":
        return None
    if spec.service == "sqs":
        if sqs._queue_by_arn(target) is None:
            return "there is no such queue"
        allowed = sqs.queue_policy_allows(target, _PRINCIPAL, source, get_account_id())
    elif spec.service == "sns":
        allowed = sns.topic_policy_allows(target, _PRINCIPAL, source, get_account_id())
    else:
        return None
    return None if allowed else f"its policy does not allow {_PRINCIPAL}"
