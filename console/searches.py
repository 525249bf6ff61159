"""Searches of messages as people write them: `campaign=ID`, `customer=ID`, `message=ID`, beside each `status=WORD`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.domain import ConsoleError, ProblemKind
from console.telemetry import MessageSearch
from console.text import safe_line
from lambdas.core.lifecycle import Status

_FIELDS: Mapping[str, str] = {"campaign": "campaign_id", "customer": "customer_id", "message": "message_id"}
_SEARCH = re.compile(r"([a-z_]*)=(.*)", re.DOTALL)
_STATUS = re.compile(r"(?:^|\s+)status=(\S*)$")


def parse_search(text: str) -> MessageSearch | None:
    """The search that `text` is: one word, `=`, what is looked for. None for all other text: it is the id of a message.

    Whatever stands in a row as its id is opened by it, so ids may hold a `=` behind anything but one word.
    """
    found = _SEARCH.fullmatch(text)
    if found is None:
        return None
    name, wanted = found.groups()
    if name not in _FIELDS:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"messages are not searched by {safe_line(name, 40) or 'nothing'}",
            "write campaign=ID, customer=ID or message=ID, and status=WORD alone or behind it",
        )
    if not wanted.strip():
        raise ConsoleError(ProblemKind.BAD_INPUT, f"no {name} is named", f"write {name}=ID")
    return MessageSearch(**{_FIELDS[name]: wanted.strip()})


def parse_status(text: str) -> tuple[str, str]:
    """What to look for without `status=WORD` at its end, and that word, empty where there is none.

    No index knows statuses: those that were read are looked through.
    """
    found = _STATUS.search(text)
    if found is None:
        return text, ""
    if found[1] not in tuple(Status):
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"no message is {safe_line(found[1], 40) or 'of no status'}",
            f"write status= with one of {', '.join(Status)}",
        )
    return text[: found.start()], found[1]


def search_text(name: str, wanted: str) -> str:
    """The subject of the place of a search."""
    assert name in _FIELDS
    return f"{name}={wanted}"
