"""Events and notifications under IAM: a queue or topic whose policy does not let its sender in gets nothing, as on AWS.

ministack delivers events without asking, and drops what SNS may not deliver. Here what cannot be delivered goes to the
target's or the subscription's dead-letter queue when it has one, and all of it is counted.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id
from ministack.services import eventbridge, sns, sqs

from localcloud.service_metrics import Publish, count_notification, count_published, count_rule_invocation

_log = logging.getLogger(__name__)
_NO_QUEUE = "there is no such queue"
_EVENTS = "events.amazonaws.com"
_SNS = "sns.amazonaws.com"


def install(publish: Publish) -> None:
    """Take the place of ministack's delivery of an event to one target, and of a notification to one queue."""
    _install_events(publish)
    _install_notifications(publish)


def _install_events(publish: Publish) -> None:
    deliver = eventbridge._invoke_target

    def checked(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        problem = _refusal(target.get("Arn", ""), rule.get("Arn", ""))
        if problem is None:
            count_rule_invocation(publish, rule, failed=False, set_aside=False)
            deliver(target, event, rule, view)
            return
        _log.warning("rule %s: no delivery to %s: %s", rule.get("Name"), target.get("Arn"), problem)
        parked = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
        set_aside = parked != "" and _refusal(parked, rule.get("Arn", "")) is None
        count_rule_invocation(publish, rule, failed=True, set_aside=set_aside)
        if set_aside:
            # As with `deliver`, but the whole event and no transformation: what a dead-letter queue gets on AWS.
            view = view or eventbridge._pattern_event_view(event)
            _set_aside(parked, json.dumps(view.event_with_detail()), target, rule, problem)

    eventbridge._invoke_target = checked


def _set_aside(queue: str, body: str, target: dict[str, Any], rule: dict[str, Any], problem: str) -> None:
    """Put an event into a dead-letter queue with what EventBridge notes about it (EventBridge user guide, "Using
    dead-letter queues to process undelivered events"); what is refused outright is not tried again there."""
    notes = {
        "RULE_ARN": str(rule.get("Arn", "")),
        "TARGET_ARN": str(target.get("Arn", "")),
        "ERROR_CODE": "NO_RESOURCE" if problem == _NO_QUEUE else "NO_PERMISSIONS",
        "ERROR_MESSAGE": problem,
    }
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in notes.items()}
    url = sqs._queue_by_arn(queue)["url"]
    sqs._act_send_message({"QueueUrl": url, "MessageBody": body, "MessageAttributes": attributes}, url)


def _install_notifications(publish: Publish) -> None:
    fan_out, deliver = sns._fanout, sns._deliver_to_sqs

    def counted(topic_arn: str, *args: Any, **kwargs: Any) -> None:
        count_published(publish, topic_arn.rpartition(":")[2])
        fan_out(topic_arn, *args, **kwargs)

    def checked(endpoint: str, *args: Any, topic_arn: str = "", **kwargs: Any) -> None:
        problem = _queue_refusal(endpoint, _SNS, topic_arn)
        count_notification(publish, topic_arn.rpartition(":")[2], failed=problem is not None)
        if problem is None:
            deliver(endpoint, *args, topic_arn=topic_arn, **kwargs)
            return
        _log.warning("topic %s: no delivery to %s: %s", topic_arn, endpoint, problem)
        parked = _dead_letter_queue(topic_arn, endpoint)
        if parked and _queue_refusal(parked, _SNS, topic_arn) is None:
            deliver(parked, *args, topic_arn=topic_arn, **kwargs)

    sns._fanout = counted
    sns._deliver_to_sqs = checked


def _dead_letter_queue(topic_arn: str, endpoint: str) -> str:
    """ARN of the queue that the subscription of `endpoint` names for what it does not get; empty without one."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
    for subscription in topic["subscriptions"]:
        policy = subscription.get("attributes", {}).get("RedrivePolicy")
        if subscription.get("endpoint") == endpoint and policy:
            return str(json.loads(policy)["deadLetterTargetArn"])
    return ""


def _refusal(target: str, source: str) -> str | None:
    """Why a rule's event may not reach a queue or topic; None for other targets and for schedules (by role)."""
    try:
        spec, rule = parse_arn(target), parse_arn(source)
    except ArnParseError:
        return None
    if rule.service != "events":
        return None
    if spec.service == "sqs":
        return _queue_refusal(target, _EVENTS, source)
    if spec.service == "sns" and not sns.topic_policy_allows(target, _EVENTS, source, get_account_id()):
        return f"its policy does not allow {_EVENTS}"
    return None


def _queue_refusal(queue: str, principal: str, source: str) -> str | None:
    if sqs._queue_by_arn(queue) is None:
        return _NO_QUEUE
    allowed = sqs.queue_policy_allows(queue, principal, source, get_account_id())
    return None if allowed else f"its policy does not allow {principal}"
