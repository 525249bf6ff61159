"""Searches of messages as people write them: `campaign=ID`, `customer=ID`, `message=ID`."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain import ConsoleError, ProblemKind
from console.telemetry import MessageSearch

_FIELDS: Mapping[str, str] = {"campaign": "campaign_id", "customer": "customer_id", "message": "message_id"}


def parse_search(text: str) -> MessageSearch | None:
    """The search that `text` is; None for text that is none, which is then the id of a message."""
    name, sign, wanted = text.partition("=")
    if not sign or name not in _FIELDS:
        return None
    if not wanted.strip():
        raise ConsoleError(ProblemKind.BAD_INPUT, f"no {name} is named", f"write {name}=ID")
    return MessageSearch(**{_FIELDS[name]: wanted.strip()})


def search_text(name: str, wanted: str) -> str:
    """The subject of the place of a search."""
    assert name in _FIELDS
    return f"{name}={wanted}"
