"""How much a stack is used in a month: what an estimate assumes, stated with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


class UsageError(ValueError):
    """A usage file cannot be used; the message names every problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Figures of one month.

    Messages of a channel count only where the stack has it. `whatsapp_template_share` is 1 where the stack begins all
    conversations: without a template only answers within 24 hours go out. `worker_messages_per_second` is what one
    worker sends, bounded by the origination identity. `receipts_per_message` come by each of two paths,
    `fallback_share` of the messages are sent once more, again or on another channel.
    `kept_gb_per_table` and `kept_gb_of_objects` are what lies there on average. Where the stack has sessions, there are
    `sessions` a month, each `session_minutes` long with `session_listeners` listeners and `session_broadcasts`
    broadcasts; `speakers` are the people who sign in for them. The last five say what is assumed of a function, table
    or queue that the model knows no part for.
    """

    sms_messages: float = 100_000
    whatsapp_messages: float = 50_000
    email_messages: float = 100_000
    single_messages: float = 10_000
    parts_per_sms: float = 1.2
    whatsapp_template_share: float = 1
    receipts_per_message: float = 2
    fallback_share: float = 0.02
    worker_messages_per_second: float = 10
    campaigns: float = 20
    api_calls: float = 20_000
    key_requests: float = 500_000
    log_kb_per_invocation: float = 2
    kept_gb_per_table: float = 1
    kept_gb_of_objects: float = 1
    alarm_notifications: float = 50
    sessions: float = 100
    session_minutes: float = 60
    session_listeners: float = 50
    session_broadcasts: float = 600
    speakers: float = 20
    other_invocations: float = 100_000
    other_seconds: float = 0.5
    other_table_writes: float = 100_000
    other_table_reads: float = 100_000
    other_queue_messages: float = 100_000

    def messages(self, channel: str) -> float:
        """Campaign messages of one channel."""
        return float({"sms": self.sms_messages, "whatsapp": self.whatsapp_messages}.get(channel, self.email_messages))

    def to_mapping(self) -> dict[str, float]:
        """Every figure by its name."""
        return asdict(self)


def load(path: Path) -> Usage:
    """Usage from a JSON file that names the figures that differ from the defaults; raises `UsageError`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON; write an object of figures, such as {{'sms_messages': 50000}}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no object; write figures by name, such as {{'sms_messages': 50000}}")
    return parse(document, str(path))


def parse(document: Mapping[str, Any], where: str) -> Usage:
    """Usage from figures by name; raises `UsageError` with all problems."""
    known = {field.name for field in fields(Usage)}
    problems = [f"{name} is unknown (known: {', '.join(sorted(known))})" for name in sorted(document.keys() - known)]
    for name in sorted(document.keys() & known):
        value = document[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            problems.append(f"{name} is {value!r}, a number from 0 on is needed")
    share = document.get("whatsapp_template_share")
    if isinstance(share, (int, float)) and share > 1:
        problems.append(f"whatsapp_template_share is {share!r}, a share from 0 to 1 is needed")
    if document.get("worker_messages_per_second") == 0:
        problems.append("worker_messages_per_second is 0: nothing would ever be sent")
    if problems:
        raise UsageError(f"{where}: {'; '.join(problems)}")
    return Usage(**document)
