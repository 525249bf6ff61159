"""What the host asks of ministack beside its API: IAM's verdict on our own services, and events from inside."""

from __future__ import annotations

import contextvars
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import eventbridge, sns

from localcloud.traffic import Origin
from localcloud.wire import ServiceError

_log = logging.getLogger(__name__)
_EVENTS_KEPT = 1_000


def install_transport() -> None:
    """Let what happens inside the cloud count as done over TLS.

    Policies that deny plain HTTP mean the network. Requests are marked by a header (`server.Cloud`); timers, threads
    and event deliveries have no request, so ministack's default for them changes.
    """
    origin = contextvars.ContextVar("_request_origin", default=("127.0.0.1", True))
    iam_evaluator._request_origin = origin


BATCH_ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
"""Calls that IAM knows under the name of the single call (Service Authorization Reference, Amazon SQS and SNS)."""


def install_batch_actions() -> None:
    """Authorise a batch as the calls it is made of; ministack looks for an action that IAM does not have."""
    original = iam_actions.extract_iam_action

    def extract_iam_action(*args: Any, **kwargs: Any) -> str | None:
        action: str | None = original(*args, **kwargs)
        return BATCH_ACTIONS.get(action, action) if action else action

    iam_actions.extract_iam_action = extract_iam_action


class Publisher:
    """Publishes receipts on the default event bus and on topics of one account and region."""

    def __init__(self, *, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._scope = (account_id, region)

    def event_bridge(self, origin: Origin, detail_type: str, detail: Mapping[str, Any]) -> None:
        """An `aws.*` event, which PutEvents refuses from callers, as on AWS."""
        entry = {"Source": origin.source, "DetailType": detail_type, "Detail": json.dumps(detail)}
        with responses.request_scope(*self._scope):
            eventbridge._ensure_default_bus()
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
            recorded = eventbridge._events_log_list()
            if len(recorded) > 2 * _EVENTS_KEPT:
                del recorded[:-_EVENTS_KEPT]

    def sns(self, origin: Origin, source_arn: str, topic_arn: str, event: Mapping[str, Any]) -> None:
        """A message to a topic; as on AWS, a topic that is gone or whose policy keeps the service out gets nothing."""
        with responses.request_scope(*self._scope):
            if sns.topic_policy_allows(topic_arn, origin.principal, source_arn, self._account_id):
                sns.publish_internal(topic_arn, json.dumps(event))
            else:
                _log.warning(
                    "no receipt to %s: there is no such topic, or its policy does not allow %s",
                    topic_arn,
                    origin.principal,
                )


def enter_request(
    *,
    method: str,
    raw_path: str,
    query: Mapping[str, list[str]],
    raw_headers: Iterable[tuple[bytes, bytes]],
    headers: Mapping[str, str],
    body: bytes,
    named: bool = True,
) -> None:
    """Make the caller of a request that ministack does not see known to its evaluator, signature included.

    `named` finds out for `caller_name` who it is, which costs about as much as IAM's verdict.
    """
    access_key = router.extract_access_key_id(headers, query) or ""
    account = iam_evaluator.find_iam_access_key_account(access_key) if access_key else None
    responses.set_request_account_id(account or access_key)
    responses.set_request_region(router.extract_region(headers, query))
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    iam_evaluator.pin_signed_request(method, raw_path, dict(query), list(raw_headers))
    iam_evaluator.pin_signed_body(body)
    if named:
        iam_evaluator.pin_request_caller(headers, query)


def authorize(headers: Mapping[str, str], service: str, action: str, resource: str) -> None:
    """Raise the `ServiceError` of an IAM denial; call after `enter_request` in the same task."""
    access_key = router.extract_access_key_id(headers, {}) or ""
    denied = iam_evaluator.enforce(access_key, action, service, responses.get_region(), resource_arn=resource)
    if denied is None:
        return
    if isinstance(denied, iam_evaluator.AuthError):
        raise ServiceError(denied.code, denied.message)
    because = "with an explicit deny" if denied.decision == "Deny" else "because no identity-based policy allows it"
    raise ServiceError(
        "AccessDeniedException",
        f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource} {because}",
    )


def caller_name() -> str:
    """Who makes the current request: the role session's name (a function's own), the user's, or `root`."""
    arn: str = iam_evaluator.caller_arn() or ""
    return arn.rpartition("/")[2] if "/" in arn else "root"
