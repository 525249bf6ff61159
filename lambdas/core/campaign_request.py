"""What a caller may ask for: the body of `POST /api/send-campaign`, checked completely before anything happens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_INLINE_RECIPIENTS = 5_000
"""Larger audiences come as a file."""
MAX_BODY_BYTES = 4 * 1024 * 1024
MIN_TPS = 0.01
MAX_TPS = 10_000.0
LEAST_USD = 0.00001
"""The smallest amount that SendTextMessage's MaxPrice can express."""
MAX_PROBLEMS = 20
CHANNELS = ("sms", "whatsapp", "email")
MESSAGE_TYPES = ("TRANSACTIONAL", "PROMOTIONAL")

_CAMPAIGN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
_KNOWN_FIELDS = frozenset({"eligible_users", "throughput_tps", "campaign_id", "body", "dry_run", "options"})
_KNOWN_OPTIONS = frozenset({"message_type", "spend_cap_usd", "max_price_usd", "validity_seconds"})


VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""A variable of a body, `{{ name }}`."""
LOOSE_BRACES = re.compile(r"\{\{|\}\}")


class RequestError(ValueError):
    """A request that cannot be served; `problems` names each field and what it may be."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row of an audience as the caller gave it; `row` is its 0-based place."""

    row: int
    customer_id: str
    channel: str
    address: str
    body: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """A campaign as asked for; `spend_cap_usd` is None where the stack's default applies."""

    recipients: tuple[Recipient, ...]
    throughput_tps: float
    campaign_id: str | None
    dry_run: bool
    message_type: str
    spend_cap_usd: float | None
    max_price_usd: float | None
    validity_seconds: int | None


def canonical_hash(document: Mapping[str, Any]) -> str:
    """Hash of the canonical JSON of a body: key order and white space do not count."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_campaign_request(document: object) -> CampaignRequest:
    """Check a decoded body; raises `RequestError` with up to 20 problems at once."""
    if not isinstance(document, dict):
        raise RequestError(["the body must be a JSON object"])
    problems = [f"{name!r} is not a field of a campaign" for name in sorted(set(document) - _KNOWN_FIELDS)]
    tps = _number(document.get("throughput_tps"), "throughput_tps", MIN_TPS, MAX_TPS, problems)
    campaign_id = document.get("campaign_id")
    if campaign_id is not None and not (isinstance(campaign_id, str) and _CAMPAIGN_ID.fullmatch(campaign_id)):
        problems.append("campaign_id must be 1-48 letters, digits, '_' or '-'")
    dry_run = document.get("dry_run", False)
    if not isinstance(dry_run, bool):
        problems.append("dry_run must be true or false")
    options = _options(document.get("options", {}), problems)
    recipients = _recipients(document, problems)
    if problems:
        raise RequestError(problems[:MAX_PROBLEMS])
    assert tps is not None
    return CampaignRequest(recipients, tps, campaign_id, dry_run, **options)


def _number(value: object, name: str, least: float, most: float, problems: list[str]) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        problems.append(f"{name} must be a number from {least:g} to {most:g}")
        return None
    return float(value)


def _options(options: object, problems: list[str]) -> dict[str, Any]:
    if not isinstance(options, dict):
        problems.append("options must be an object")
        options = {}
    problems.extend(f"options.{name} is not an option" for name in sorted(set(options) - _KNOWN_OPTIONS))
    message_type = options.get("message_type", "TRANSACTIONAL")
    if message_type not in MESSAGE_TYPES:
        problems.append(f"options.message_type must be one of {', '.join(MESSAGE_TYPES)}")
    money = {
        name: None
        if options.get(name) is None
        else _number(options[name], f"options.{name}", LEAST_USD, most, problems)
        for name, most in (("spend_cap_usd", 1e6), ("max_price_usd", 99.99999))
    }
    validity = options.get("validity_seconds")
    if validity is not None and not (isinstance(validity, int) and 5 <= validity <= 259_200):
        problems.append("options.validity_seconds must be a whole number from 5 to 259200")
    return {"message_type": message_type, **money, "validity_seconds": validity}


def _recipients(document: Mapping[str, Any], problems: list[str]) -> tuple[Recipient, ...]:
    users = document.get("eligible_users")
    if not isinstance(users, list) or not users:
        problems.append("eligible_users must be a list of at least one recipient")
        return ()
    if len(users) > MAX_INLINE_RECIPIENTS:
        problems.append(
            f"{len(users)} recipients are more than the {MAX_INLINE_RECIPIENTS} a request may carry; split the audience"
        )
        return ()
    body = document.get("body")
    if body is not None and not isinstance(body, str):
        problems.append("body must be text")
        body = None
    if body is not None and not _is_text(body):
        problems.append("body holds half a surrogate pair, which is no character")
        body = None
    recipients = []
    for row, user in enumerate(users):
        recipient = _recipient(row, user, body, problems)
        if recipient is not None:
            recipients.append(recipient)
        if len(problems) >= MAX_PROBLEMS:
            break
    return tuple(recipients)


def _recipient(row: int, user: object, default_body: str | None, problems: list[str]) -> Recipient | None:
    where = f"eligible_users[{row}]"
    if not isinstance(user, dict):
        problems.append(f"{where} must be an object")
        return None
    customer_id, channel = user.get("customer_id"), user.get("selected_channel")
    if not (isinstance(customer_id, str) and 1 <= len(customer_id) <= 128):
        problems.append(f"{where}.customer_id must be text of 1-128 characters")
        return None
    if channel not in CHANNELS:
        problems.append(f"{where}.selected_channel must be one of {', '.join(CHANNELS)}")
        return None
    address_field = "email" if channel == "email" else "phone"
    address = user.get(address_field)
    if not isinstance(address, str) or not address:
        problems.append(f"{where}.{address_field} is missing")
        return None
    body = user.get("body", default_body)
    if not isinstance(body, str) or not body.strip():
        problems.append(f"{where} has no text: give it a body, or the campaign one")
        return None
    if LOOSE_BRACES.search(VARIABLE.sub("", body)):
        problems.append(f"{where} has a body with an unfinished variable: write it as {{{{ name }}}}")
        return None
    variables = user.get("variables", {})
    if not isinstance(variables, dict) or not all(isinstance(v, (str, int, float)) for v in variables.values()):
        problems.append(f"{where}.variables must be an object of texts and numbers")
        return None
    texts = {str(name): str(value) for name, value in variables.items()}
    if not all(map(_is_text, (customer_id, address, user.get("body", ""), *texts.values()))):
        problems.append(f"{where} holds half a surrogate pair, which is no character")
        return None
    return Recipient(row, customer_id, channel, address, body, texts)


def _is_text(text: str) -> bool:
    """Whether a text can be encoded: JSON may carry a lone surrogate, no store takes it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
