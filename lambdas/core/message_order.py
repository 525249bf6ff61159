"""One message for one recipient: the body of `POST /api/messages` and what travels on the outbox queue.

Both are the same JSON. Whoever puts an order on the queue itself gives it a `message_id`, letters, digits, `_` and `-`,
at most 64, that does not end like a campaign's rows in `-` and seven digits, nor like the legs of a chain in `_` and a
digit; two orders of one id are one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdas.core import keys
from lambdas.core.campaign_request import MAX_PROBLEMS, Recipient, RequestError, content_defaults, parse_recipient
from lambdas.core.chain_terms import LONGEST_ID, is_leg
from lambdas.core.content import FIELDS
from lambdas.core.send_options import SendOptions, parse_options

MAX_ORDER_BYTES = 250_000
"""Of an order on the outbox: SQS takes 262,144 bytes, attributes and what is added on the way included (SQS developer
guide, "Message quotas"; the set size of `components/queue.py`)."""
LONGEST_WAIT_SECONDS = 259_200
"""How long a message without a validity of its own may wait, which is SendTextMessage's default (API reference,
`TimeToLive`): it comes back to the queue as a new message each time, so no bound of the queue ends that."""
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OPTIONS = frozenset(
    {
        "message_type",
        "max_price_usd",
        "validity_seconds",
        "allowed_countries",
        "fallback_after_seconds",
        "retries",
    }
)
_KNOWN_FIELDS = FIELDS | {
    "message_id",
    "customer_id",
    "channel",
    "channels",
    "content",
    "phone",
    "email",
    "variables",
    "options",
    "ordered_at_ms",
}


class MessageOrder(NamedTuple):
    """A message asked for; `ordered_at_ms` (epoch) is when, None where only the queue knows."""

    message_id: str | None
    recipient: Recipient
    options: SendOptions
    ordered_at_ms: int | None

    def since_ms(self, first_seen_ms: int) -> int:
        """When the message was ordered, else first seen (epoch)."""
        return self.ordered_at_ms if self.ordered_at_ms is not None else first_seen_ms

    def expired(self, now_ms: int, *, first_seen_ms: int) -> bool:
        """Whether the message has waited longer than it is valid, since it was ordered or else first seen."""
        since_ms = self.since_ms(first_seen_ms)
        return now_ms > since_ms + (self.options.validity_seconds or LONGEST_WAIT_SECONDS) * 1_000


def parse_message_order(document: object) -> MessageOrder:
    """Check a decoded order; raises `RequestError` with up to 20 problems at once."""
    if not isinstance(document, dict):
        raise RequestError(["a message must be a JSON object"])
    problems = [f"{name!r} is not a field of a message" for name in sorted(map(str, document.keys() - _KNOWN_FIELDS))]
    message_id, ordered_at_ms = document.get("message_id"), document.get("ordered_at_ms")
    if message_id is not None and not (isinstance(message_id, str) and MESSAGE_ID.fullmatch(message_id)):
        problems.append("message_id must be 1-64 letters, digits, '_' or '-'")
    elif message_id is not None and is_leg(message_id):
        problems.append("message_id must not end in '_' and one digit, which is how retries and fallback are named")
    elif message_id is not None and keys.is_campaign_row(message_id):
        problems.append("message_id must not end in '-' and seven digits, which is how campaigns name their rows")
    if ordered_at_ms is not None and (isinstance(ordered_at_ms, bool) or not isinstance(ordered_at_ms, int)):
        problems.append("ordered_at_ms must be a time in whole milliseconds")
    options = parse_options(document.get("options", {}), OPTIONS, problems)
    recipient = _recipient(document, problems)
    if isinstance(message_id, str) and len(message_id) > LONGEST_ID and _may_have_legs(recipient, options):
        problems.append(f"message_id must have at most {LONGEST_ID} characters with retries or several channels")
    if problems or recipient is None:
        raise RequestError(problems[:MAX_PROBLEMS])
    return MessageOrder(message_id, recipient, options, ordered_at_ms)


def _recipient(document: Mapping[str, Any], problems: list[str]) -> Recipient | None:
    """What the message says on a channel stands in `content` where it has one, else in its own fields."""
    if "content" not in document:
        return parse_recipient(0, document, "", "channel", problems, {})
    defaults = content_defaults(document, problems)
    rest = {name: value for name, value in document.items() if name not in FIELDS}
    return parse_recipient(0, rest, "", "channel", problems, defaults)


def _may_have_legs(recipient: Recipient | None, options: SendOptions) -> bool:
    return recipient is not None and (bool(recipient.alternatives) or options.retries > 0)


def outbox_body(document: Mapping[str, Any], *, message_id: str, ordered_at_ms: int) -> dict[str, Any]:
    """An accepted order as the outbox queue carries it."""
    return {**document, "message_id": message_id, "ordered_at_ms": ordered_at_ms}
