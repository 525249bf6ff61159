"""Log events as lines for people: our JSON lines as their event and its fields, everything else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from console.secrecy import mask_secrets
from console.telemetry import LogLine
from console.text import safe, safe_line, without_sequences
from lambdas.core.redaction import mask_addresses

MESSAGE_CELLS = 2_000
RAW_CELLS = 16_000
"""Longest line that is kept whole: a stack trace with its fields, of which thousands may be in memory."""
LEVELS = {
    **{level: level for level in ("DEBUG", "INFO", "WARNING", "ERROR")},
    "TRACE": "DEBUG",
    "WARN": "WARNING",
    "FATAL": "ERROR",
    "CRITICAL": "ERROR",
}
"""What loggers write, and what a line's level is called here."""
_OURS = frozenset({"level", "event", "function", "stack"})
_TAGGED = re.compile(r"\[([A-Z]+)\]")
"""How the Lambda runtime for Python begins a line of its own or of `logging`, as `[ERROR] KeyError: ...` (Lambda
developer guide, "Log and monitor Python Lambda functions")."""
_FAILED = re.compile(r"Task timed out after |\bStatus: (timeout|error)\b|^Traceback ")
"""Lines of the platform that name no level and tell of a failed invocation (Lambda developer guide, "Troubleshoot
execution issues in Lambda")."""


def log_line(group: str, event: Mapping[str, Any]) -> LogLine:
    """One event of FilterLogEvents (`timestamp` in epoch milliseconds)."""
    text = _harmless(str(event.get("message", "")))
    level, message = read(text)
    raw = _written_out(text)
    if "\\u" in text:  # what escapes of JSON had hidden
        message, raw = _harmless(message), _harmless(raw)
    return LogLine(
        id=safe_line(event.get("eventId", ""), 128),
        at=int(event["timestamp"]) / 1000,
        group=group,
        stream=safe_line(event.get("logStreamName", ""), 255),
        level=level,
        message=safe_line(mask_addresses(message), MESSAGE_CELLS),
        raw=safe(mask_addresses(raw), RAW_CELLS),
    )


def _harmless(text: str) -> str:
    """Without secrets and terminal sequences."""
    return mask_secrets(without_sequences(text))


def read(text: str) -> tuple[str, str]:
    """Level (may be empty) and readable text of a line."""
    document = _object(text)
    if document is None:
        return _plain_level(text), text
    if "_aws" in document:
        return "", f"metrics {_fields(document, {'_aws'})}"
    level = LEVELS.get(str(document.get("level", "")).upper(), "")
    if "event" not in document:
        return level, text
    return level, f"{document['event']} {_fields(document, _OURS)}"


def _written_out(text: str) -> str:
    """The line as it was written, a JSON line without escapes: what looks like a number to people is one to masking."""
    document = _object(text)
    try:
        return text.rstrip() if document is None else json.dumps(_without_sequences(document), ensure_ascii=False)
    except RecursionError:
        return text.rstrip()


def _without_sequences(value: Any) -> Any:
    """A JSON value whose texts and names drive no terminal."""
    if isinstance(value, str):
        return without_sequences(value)
    if isinstance(value, list):
        return [_without_sequences(each) for each in value]
    if isinstance(value, dict):
        return {without_sequences(name): _without_sequences(each) for name, each in value.items()}
    return value


def _object(text: str) -> Mapping[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _fields(document: Mapping[str, Any], left_out: frozenset[str] | set[str]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in document.items() if name not in left_out)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain_level(text: str) -> str:
    tagged = _TAGGED.match(text)
    if tagged:
        return LEVELS.get(tagged[1], "")
    return "ERROR" if _FAILED.search(text) else ""
