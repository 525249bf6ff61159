"""Bodies of queue messages for people: numbers and addresses masked, what was to be read by recipients left out."""

from __future__ import annotations

import json
import re
from typing import Any

from console.text import safe_line
from lambdas.core.redaction import mask_addresses, mask_destination, mask_number

MAX_CELLS = 20_000
_BARE_NUMBER = re.compile(r"(?<![\w.-])\d{9,15}(?![\w.-])")
"""WhatsApp writes numbers without their plus; where no field says what a run of digits is, all of them are masked."""
_ADDRESSES = frozenset(
    {"phone", "email", "to", "from", "recipient_id", "wa_id", "display_phone_number", "destination", "source"}
    | {"destinationPhoneNumber", "originationPhoneNumber", "originationNumber", "destinationNumber"}
    | {"emailAddress", "recipient", "recipients"}
)
"""Fields of orders and of AWS's events that hold a number or an address."""
_TEXTS = frozenset({"body", "html", "subject", "variables", "parameters", "headers", "commonHeaders", "messageBody"})
"""Fields whose text a recipient was to read, or that fill such a text in."""


def shown_body(body: str, cells: int = MAX_CELLS) -> str:
    """One line, at most `cells` wide, that tells the message's form and none of its people's words or addresses."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return safe_line(_BARE_NUMBER.sub(lambda match: mask_number(match.group()), mask_addresses(body)), cells)
    return safe_line(json.dumps(_shown(document, ""), ensure_ascii=False, separators=(",", ":")), cells)


def _shown(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        return {mask_addresses(key): _shown(each, key if field not in _TEXTS else field) for key, each in value.items()}
    if isinstance(value, list):
        return [_shown(each, field) for each in value]
    if not isinstance(value, str):
        return value
    if field in _TEXTS:
        return f"({len(value)} characters)"
    if field in _ADDRESSES and ("@" in value or value.lstrip("+").isdigit()):
        return mask_destination(value)
    return _text(value)


def _text(value: str) -> Any:
    """A text that may hold JSON of its own, as WhatsApp's notifications and SNS's envelopes do."""
    if value.startswith(("{", "[")):
        try:
            return json.dumps(_shown(json.loads(value), ""), ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            pass
    return mask_addresses(value)
