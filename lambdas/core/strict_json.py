"""JSON from strangers: what two readers could understand differently is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def strict_object(document: bytes) -> dict[str, Any]:
    """The JSON object in `document`, UTF-8 without a byte order mark (RFC 8259, sections 4 and 8.1).

    Raises `ValueError`, which says nothing of the content: for repeated names, of which readers keep the first or the
    last as they like; for `NaN` and `Infinity`, which are Python's own; for what is nested too deeply to read.
    """
    try:
        value = json.loads(document.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON document that everybody reads alike") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name is repeated")
    return names


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")
