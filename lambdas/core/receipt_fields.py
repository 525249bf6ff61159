"""Reading fields of events that come from outside: anything may be missing, of another type or far too long."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeGuard

from lambdas.core.receipts import UnknownEvent

MAX_TIME_MS = 10**14
"""Later than any receipt (year 5138): a time beyond it is no time in milliseconds."""

LAST_MILLISECOND = 999

_NOTHING: Mapping[str, Any] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PROVIDER_ID = re.compile(r"[!-~]{1,256}")
_OUR_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NUMBER = re.compile(r"\+?([0-9]{5,15})")
_ADDRESS = re.compile(r"(?:[^<>]*<)?([^\s<>@]{1,64}@[^\s<>@]{1,255})>?")
_WORD = re.compile(r"[A-Za-z][A-Za-z _./-]{0,59}")
_decode = json.JSONDecoder(parse_float=Decimal).decode


def json_object(text: str) -> dict[str, Any]:
    """A JSON object, fractions as Decimal; raises `UnknownEvent`."""
    try:
        document = _decode(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UnknownEvent("not JSON") from error
    if not isinstance(document, dict):
        raise UnknownEvent("not a JSON object")
    return document


def object_of(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`, empty if there is none."""
    value = fields.get(key)
    return value if isinstance(value, dict) else _NOTHING


def objects_of(fields: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects under `key`, empty if there is no such field; raises `UnknownEvent` for anything else."""
    values = fields.get(key, ())
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, dict) for value in values):
        raise UnknownEvent(f"{key} is not a list of objects")
    return values


def provider_id_of(fields: Mapping[str, Any], key: str) -> str | None:
    """An id that a provider gave: printable and short enough for an index key."""
    value = fields.get(key)
    return value if isinstance(value, str) and _PROVIDER_ID.fullmatch(value) else None


def text_of(fields: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`, None if there is none or an empty one."""
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def our_message_id(value: object) -> str | None:
    """A message id as we write them (`lambdas.core.keys.message`), None for what cannot be one of ours."""
    return value if isinstance(value, str) and _OUR_ID.fullmatch(value) else None


def is_time_ms(value: object) -> TypeGuard[int]:
    """Whether `value` is a time in milliseconds since the epoch."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_TIME_MS


def end_of_second_ms(value: object) -> int | None:
    """Whole seconds since the epoch, mostly written as text, as the last millisecond of that second.

    What is told in whole seconds happened within the second. Its end is never before what really was: taken for its
    beginning, the acceptance of a message would lie before the call in milliseconds that caused it.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 11:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    at_ms = value * 1_000 + LAST_MILLISECOND
    return at_ms if value > 0 and is_time_ms(at_ms) else None


def iso_as_ms(value: object) -> int | None:
    """An ISO 8601 time with its zone, in milliseconds since the epoch."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None:
        return None
    at_ms = (at - _EPOCH) // _MILLISECOND
    return at_ms if is_time_ms(at_ms) else None


def phone_number(value: object) -> str | None:
    """A number in E.164 form; WhatsApp writes it without the plus."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return f"+{found[1]}" if found else None


def email_address(value: object) -> str | None:
    """An address in lower case, without the display name before it."""
    found = _ADDRESS.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 1_000 else None
    return found[1].lower() if found else None


def shown(value: object) -> str:
    """`value` for a message to people: a plain word is quoted, anything else may hold a number or an address."""
    if isinstance(value, str):
        return repr(value) if _WORD.fullmatch(value) else "an unreadable text"
    return "nothing" if value is None else f"a {type(value).__name__}"
