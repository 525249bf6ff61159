"""Why a message lies in a dead-letter queue, found out by reading it as its consumer does."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from console.queues import Letter
from console.text import safe_line
from lambdas.core.campaign_request import RequestError
from lambdas.core.leg_order import is_leg_order, parse_leg_order
from lambdas.core.message_order import parse_message_order
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import UnknownEvent
from lambdas.core.redaction import mask_addresses
from lambdas.core.watch import Watch
from lambdas.core.work import WorkToken

RULE_ARN, ERROR_CODE, ERROR_MESSAGE, ATTEMPTS = "RULE_ARN", "ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS"
RULE_ATTRIBUTES = frozenset({RULE_ARN, "TARGET_ARN", ERROR_CODE, ERROR_MESSAGE, ATTEMPTS, "EXHAUSTED_RETRY_CONDITION"})
"""What EventBridge adds to an event that it could not deliver to a rule's target (EventBridge user guide, "Using
dead-letter queues to process undelivered events"); the body is the event as the target would have got it."""
_CELLS = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message lies here. `readable` says that its consumer could work on it now, `movable` that it has one: what
    a stream's mapping reports are positions, no message that anybody reads from a queue."""

    sentence: str
    readable: bool = True
    movable: bool = True


def reason_of(letter: Letter, queue: str, channels: Collection[str]) -> Reason:
    """Why `letter` lies in the dead-letter queue of the queue of that short name, in a stack with these channels."""
    report = _stream_report(letter.body)
    if report is not None:
        return Reason(_safe(report), readable=False, movable=False)
    code = letter.attribute(ERROR_CODE)
    if code is not None:
        rule = (letter.attribute(RULE_ARN) or "").rpartition("/")[2]
        words = ": ".join(filter(None, [code, letter.attribute(ERROR_MESSAGE)]))
        return Reason(_safe(f"rule {rule} could not deliver it after {_attempts(letter)}: {words}"))
    reader = _READERS.get("work" if queue.endswith("-work") else queue)
    if reader is None:
        return Reason("it failed every attempt of its consumer")
    try:
        return Reason(_safe(reader(letter.body, channels)))
    except (UnknownEvent, RequestError, ValueError) as error:
        return Reason(_safe(f"it cannot be read: {error}"), readable=False)


def _safe(sentence: str) -> str:
    return safe_line(mask_addresses(sentence), _CELLS)


def _attempts(letter: Letter) -> str:
    attempts = letter.attribute(ATTEMPTS)
    return f"{attempts} attempts" if attempts else "all attempts"


def _stream_report(body: str) -> str | None:
    """What a stream's mapping reports of a batch it gave up (Lambda developer guide, "Retain discarded batches")."""
    document = _object(body)
    context, batch = document.get("requestContext"), document.get("DDBStreamBatchInfo")
    if not isinstance(context, dict) or not isinstance(batch, dict):
        return None
    return (
        f"a batch of the stream was given up: {context.get('condition')} after "
        f"{context.get('approximateInvokeCount')} invocations; {batch.get('batchSize')} records of shard "
        f"{batch.get('shardId')} from {batch.get('startSequenceNumber')}"
    )


def _receipts(body: str, _: Collection[str]) -> str:
    receipts = parse_receipts(body)
    if not receipts:
        return "a notice that is no receipt, readable now; its processing failed at the time"
    kinds = ", ".join(sorted({f"{each.channel} {each.event.status}" for each in receipts}))
    return f"readable now ({kinds}); recording it failed at the time: see the log of delivery-processor"


def _order(body: str, channels: Collection[str]) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("the order is not JSON") from error
    if is_leg_order(document):
        leg = parse_leg_order(document).message_id
        return f"readable now (leg {leg}); sending it failed at the time: see the log of message-sender"
    order = parse_message_order(document)
    if order.message_id is None:
        raise ValueError("the order has no message_id")
    if order.recipient.channel not in channels:
        raise ValueError(f"this stack has no channel {order.recipient.channel}")
    return f"readable now ({order.recipient.channel}); sending it failed at the time: see the log of message-sender"


def _plan(body: str, _: Collection[str]) -> str:
    message = _object(body)
    for what, key in (("the dry run", "plan_id"), ("campaign", "campaign_id")):
        if isinstance(message.get(key), str):
            return f"planning {what} {message[key]} failed: see the log of campaign-planner"
    raise ValueError("it names neither campaign nor dry run")


def _token(body: str, _: Collection[str]) -> str:
    token = WorkToken.from_json(body)
    return f"a work token of campaign {token.campaign_id} outlived every worker that took it"


def _watch(body: str, _: Collection[str]) -> str:
    chains = len(Watch.from_json(body).chain_ids)
    return f"looking at {chains} chain{'s' if chains != 1 else ''} failed at the time: see the log of fallback"


def _tick(_: str, __: Collection[str]) -> str:
    return "a tick of the clock whose sweep failed; each sweep makes up for those missed"


def _object(body: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


_READERS: Mapping[str, Callable[[str, Collection[str]], str]] = {
    "receipts": _receipts,
    "outbox": _order,
    "legs": _order,
    "plan": _plan,
    "work": _token,
    "fallback": _watch,
    "sweep": _tick,
}
"""How the consumer of each queue reads a message: gives what it is, raises why it is none."""
