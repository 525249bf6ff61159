"""Audiences that are uploaded from a file, as people ask for them: checked before anything is sent anywhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.campaigns import parse_body, parse_tps
from console.domain import ConsoleError, ProblemKind
from console.text import safe_line
from lambdas.core.audience_lines import MAX_UPLOAD_BYTES, AudienceFormat
from lambdas.core.channels import Channel

FORMATS = {".csv": AudienceFormat.CSV, ".jsonl": AudienceFormat.JSONL, ".ndjson": AudienceFormat.JSONL}


@dataclass(frozen=True, slots=True)
class AudienceOrder:
    """A campaign to the recipients of a file of `size` bytes; `channel` is that of rows which name none.

    `content` is what the campaign says, channel by channel, as the API takes it; `key` makes asking twice safe.
    """

    path: Path
    format: AudienceFormat
    size: int
    tps: float
    key: str
    body: str | None = None
    channel: Channel | None = None
    content: dict[str, Any] | None = None

    def document(self, audience_id: str, *, dry_run: bool) -> dict[str, Any]:
        """The body of `POST /api/send-campaign`."""
        return {
            "audience_id": audience_id,
            "throughput_tps": self.tps,
            **({"body": self.body} if self.body is not None else {}),
            **({"default_channel": self.channel.value} if self.channel is not None else {}),
            **({"content": self.content} if self.content is not None else {}),
            **({"dry_run": True} if dry_run else {}),
        }


def make_order(
    path: Path,
    tps: object,
    body: str | None = None,
    channels: str | None = None,
    content: Path | None = None,
    recipients: str | None = None,
) -> AudienceOrder:
    """A checked order with a fresh Idempotency-Key; raises `ConsoleError` naming what is wrong and the remedy."""
    if recipients is not None:
        raise _bad("recipients are named in two ways", "give --recipients or --audience, not both")
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise _bad(f"{_named(path)} is neither CSV nor JSON lines", f"name a file that ends in {', '.join(FORMATS)}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _bad(f"{_named(path)} cannot be read: {error.strerror}", "name a file that exists") from error
    if not path.is_file() or not 1 <= size <= MAX_UPLOAD_BYTES:
        limit = f"{MAX_UPLOAD_BYTES // 10**6} MB"
        raise _bad(f"{_named(path)} is no file of 1 byte to {limit}", "split the audience into several campaigns")
    return AudienceOrder(
        path,
        format,
        size,
        parse_tps(tps),
        f"console-{secrets.token_hex(12)}",
        None if body is None else parse_body(body),
        None if channels is None else _channel(channels),
        None if content is None else _content(content),
    )


def _channel(name: str) -> Channel:
    if name.strip().lower() not in tuple(Channel):
        raise _bad(
            f"{safe_line(name, 40)} is no channel", f"give one of {', '.join(Channel)} for the rows that name none"
        )
    return Channel(name.strip().lower())


def _content(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _bad(f"{_named(path)} cannot be read as JSON", "give what the API takes as `content`") from error
    if not isinstance(value, dict):
        raise _bad(f"{_named(path)} holds no JSON object", 'give what the API takes as `content`: {"email": {...}}')
    return value


def _named(path: Path) -> str:
    return safe_line(path, 120)


def _bad(sentence: str, remedy: str) -> ConsoleError:
    return ConsoleError(ProblemKind.BAD_INPUT, sentence, remedy)
