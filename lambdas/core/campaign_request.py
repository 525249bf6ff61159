"""What a caller may ask for: the body of `POST /api/send-campaign`, checked completely before anything happens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lambdas.core.channels import Channel
from lambdas.core.content import FIELDS, Content, is_text, lacks, parse_content
from lambdas.core.send_options import SendOptions, parse_number, parse_options
from lambdas.core.send_window import SendWindow, is_zone

MAX_INLINE_RECIPIENTS = 5_000
"""Larger audiences are uploaded: `audience_id` in place of `eligible_users`."""
MAX_BODY_BYTES = 4 * 1024 * 1024
MIN_TPS = 0.01
MAX_TPS = 10_000.0
MAX_PROBLEMS = 20
MAX_CHARACTERS = 50_000_000
"""Of the texts of all recipients together: planning holds them in memory."""
MAX_VARIABLES = 100
MAX_VARIABLE_CHARACTERS = 4_096

CAMPAIGN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
AUDIENCE_ID = re.compile(r"a-[0-9a-f]{20}")
_KNOWN_FIELDS = frozenset(
    {
        "eligible_users",
        "audience_id",
        "default_channel",
        "throughput_tps",
        "campaign_id",
        "body",
        "content",
        "dry_run",
        "options",
    }
)
_KNOWN_OPTIONS = frozenset(
    {
        "message_type",
        "spend_cap_usd",
        "max_price_usd",
        "validity_seconds",
        "send_at",
        "send_window",
        "pause_error_rate",
        "allowed_countries",
        "fallback_after_seconds",
        "retries",
    }
)


class RequestError(ValueError):
    """A request that cannot be served; `problems` names each field and what it may be."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row of an audience as the caller gave it; `row` is its 0-based place, in a file the number of its line.

    `alternatives` is the same message on the channels to take, in order, if it does not arrive on this one.
    """

    row: int
    customer_id: str
    channel: Channel
    address: str
    content: Content
    variables: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    alternatives: tuple[Recipient, ...] = ()

    @property
    def choices(self) -> tuple[Recipient, ...]:
        """The message on each of its channels, in order."""
        return (self, *self.alternatives)

    def without_first(self) -> Recipient | None:
        """The message with its second channel as the first; None if it has no other."""
        return replace(self.alternatives[0], alternatives=self.alternatives[1:]) if self.alternatives else None


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """A campaign as asked for; `options.spend_cap_usd` is None where the stack's default applies.

    Its recipients are given, or lie in the uploaded audience `audience_id`, whose rows take `defaults` for what they do
    not say and `default_channel` where they name none.
    """

    recipients: tuple[Recipient, ...]
    throughput_tps: float
    campaign_id: str | None
    dry_run: bool
    options: SendOptions
    audience_id: str | None = None
    default_channel: Channel | None = None
    defaults: Mapping[Channel, Content] = field(default_factory=dict)


def canonical_hash(document: Mapping[str, Any]) -> str:
    """Hash of the canonical JSON of a body: key order and white space do not count."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def with_promotional_window(document: object, window: SendWindow | None) -> object:
    """A decoded body as it is meant on a stack that keeps quiet hours: promotional campaigns are sent in the stack's
    `window` unless they name one, or `null` for none."""
    options = document.get("options") if isinstance(document, dict) else None
    if window is None or not isinstance(options, dict) or "send_window" in options:
        return document
    if options.get("message_type") != "PROMOTIONAL":
        return document
    assert isinstance(document, dict)
    return {**document, "options": {**options, "send_window": window.to_json()}}


def parse_campaign_request(document: object) -> CampaignRequest:
    """Check a decoded body; raises `RequestError` with up to 20 problems at once."""
    if not isinstance(document, dict):
        raise RequestError(["the body must be a JSON object"])
    problems = [f"{name!r} is not a field of a campaign" for name in sorted(set(document) - _KNOWN_FIELDS)]
    tps = parse_number(document.get("throughput_tps"), "throughput_tps", MIN_TPS, MAX_TPS, problems)
    campaign_id = document.get("campaign_id")
    if campaign_id is not None and not (isinstance(campaign_id, str) and CAMPAIGN_ID.fullmatch(campaign_id)):
        problems.append("campaign_id must be 1-48 letters, digits, '_' or '-'")
    dry_run = document.get("dry_run", False)
    if not isinstance(dry_run, bool):
        problems.append("dry_run must be true or false")
    options = parse_options(document.get("options", {}), _KNOWN_OPTIONS, problems)
    audience_id, channel = _audience(document, problems)
    defaults = content_defaults(document, problems)
    recipients = () if audience_id is not None else _recipients(document, defaults, problems)
    if problems:
        raise RequestError(problems[:MAX_PROBLEMS])
    assert tps is not None
    return CampaignRequest(recipients, tps, campaign_id, dry_run, options, audience_id, channel, defaults)


def _audience(document: Mapping[str, Any], problems: list[str]) -> tuple[str | None, Channel | None]:
    """The uploaded audience that a campaign names instead of recipients, and the channel of rows that name none."""
    audience_id, channel = document.get("audience_id"), document.get("default_channel")
    if audience_id is None:
        if channel is not None:
            problems.append("default_channel goes with audience_id; recipients name their selected_channel")
        return None, None
    if not (isinstance(audience_id, str) and AUDIENCE_ID.fullmatch(audience_id)):
        problems.append("audience_id must be the id that POST /api/audiences answered")
    if document.get("eligible_users") is not None:
        problems.append("give eligible_users or audience_id, not both")
    if channel is not None and channel not in tuple(Channel):
        problems.append(f"default_channel must be one of {', '.join(Channel)}")
        channel = None
    return str(audience_id), None if channel is None else Channel(channel)


def _recipients(
    document: Mapping[str, Any], defaults: Mapping[Channel, Content], problems: list[str]
) -> tuple[Recipient, ...]:
    users = document.get("eligible_users")
    if not isinstance(users, list) or not users:
        problems.append("eligible_users must be a list of at least one recipient")
        return ()
    if len(users) > MAX_INLINE_RECIPIENTS:
        problems.append(
            f"{len(users)} recipients are more than the {MAX_INLINE_RECIPIENTS} a request may carry; upload them as an "
            "audience (POST /api/audiences)"
        )
        return ()
    recipients = []
    for row, user in enumerate(users):
        recipient = parse_recipient(row, user, f"eligible_users[{row}]", "selected_channel", problems, defaults)
        if recipient is not None:
            recipients.append(recipient)
        if len(problems) >= MAX_PROBLEMS:
            break
    choices = (choice for recipient in recipients for choice in recipient.choices)
    characters = sum(len(text) for choice in choices for text in choice.content.texts())
    if characters > MAX_CHARACTERS:
        problems.append(
            f"the texts of all recipients have {characters} characters, more than {MAX_CHARACTERS}; split the audience"
        )
    return tuple(recipients)


def content_defaults(document: Mapping[str, Any], problems: list[str]) -> dict[Channel, Content]:
    """What a request says by default: `body` on every channel, `content.<channel>` on one."""
    common = parse_content({"body": document.get("body")}, "", problems) or Content()
    by_channel = document.get("content", {})
    if not isinstance(by_channel, dict) or by_channel.keys() - set(Channel):
        problems.append(f"content must be an object with entries for {', '.join(Channel)}")
        return {}
    defaults = dict.fromkeys(Channel, common)
    for name, value in by_channel.items():
        where = f"content.{name}"
        if isinstance(value, dict):
            problems.extend(f"{where}.{each!r} is not a field of a content" for each in sorted(value.keys() - FIELDS))
        defaults[Channel(name)] = parse_content(value, where, problems, default=common) or common
    return defaults


def parse_recipient(
    row: int,
    user: object,
    where: str,
    channel_field: str,
    problems: list[str],
    defaults: Mapping[Channel, Content],
) -> Recipient | None:
    """Read one recipient with its content; adds to `problems` and returns None where something is wrong.

    Its channel stands in `channel_field`, or several in order in `channels`.
    """
    if not isinstance(user, dict) or "channels" not in user:
        return _parse_on_channel(row, user, where, channel_field, problems, defaults)
    dot, names = f"{where}." if where else "", user["channels"]
    known = isinstance(names, list) and names and all(name in tuple(Channel) for name in names)
    if channel_field in user or not known or len(set(names)) < len(names):
        problems.append(
            f"{dot}channels must be a list of different channels out of {', '.join(Channel)}, in place of"
            f" {channel_field}"
        )
        return None
    choices: list[Recipient] = []
    for name in names:
        found = _parse_on_channel(row, {**user, channel_field: name}, where, channel_field, problems, defaults)
        if found is None:
            return None
        choices.append(found)
    return replace(choices[0], alternatives=tuple(choices[1:]))


def _parse_on_channel(
    row: int,
    user: object,
    where: str,
    channel_field: str,
    problems: list[str],
    defaults: Mapping[Channel, Content],
) -> Recipient | None:
    dot = f"{where}." if where else ""
    if not isinstance(user, dict):
        problems.append(f"{where or 'the message'} must be an object")
        return None
    customer_id, name = user.get("customer_id"), user.get(channel_field)
    if not (isinstance(customer_id, str) and 1 <= len(customer_id) <= 128):
        problems.append(f"{dot}customer_id must be text of 1-128 characters")
        return None
    if name not in tuple(Channel):
        problems.append(f"{dot}{channel_field} must be one of {', '.join(Channel)}")
        return None
    channel = Channel(name)
    address_field = "email" if channel is Channel.EMAIL else "phone"
    address = user.get(address_field)
    if not isinstance(address, str) or not address:
        problems.append(f"{dot}{address_field} is missing")
        return None
    variables = _variables(user.get("variables", {}), f"{dot}variables", problems)
    if variables is None:
        return None
    timezone = user.get("timezone")
    if timezone is not None and not is_zone(timezone):
        problems.append(f"{dot}timezone must be an IANA time zone like Europe/Berlin")
        return None
    if not all(map(is_text, (customer_id, address, *variables, *variables.values()))):
        problems.append(f"{where or 'the message'} holds half a surrogate pair, which is no character")
        return None
    content = parse_content(user, where, problems, default=defaults.get(channel))
    if content is None:
        return None
    if (lacking := lacks(channel, content)) is not None:
        problems.append(f"{where or 'the message'} has {lacking}")
        return None
    return Recipient(row, customer_id, channel, address, content, variables, timezone)


def _variables(value: object, where: str, problems: list[str]) -> dict[str, str] | None:
    if not isinstance(value, dict) or not all(isinstance(each, (str, int, float)) for each in value.values()):
        problems.append(f"{where} must be an object of texts and numbers")
        return None
    texts = {str(name): str(each) for name, each in value.items()}
    if len(texts) > MAX_VARIABLES or any(
        len(text) > MAX_VARIABLE_CHARACTERS for each in texts.items() for text in each
    ):
        problems.append(f"{where} may be {MAX_VARIABLES}, each of up to {MAX_VARIABLE_CHARACTERS} characters")
        return None
    return texts
