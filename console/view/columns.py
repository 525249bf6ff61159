"""Columns chosen by hand: `messages=status,id,reason`, and the names that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line
from console.view.tables import alarms, calls, campaigns, deployments, letters, messages, queues, resources, sessions

ENVIRONMENT = "CPAAS_COLUMNS"
"""The variable with what `--columns` takes, between blanks."""
NAMES: Mapping[str, tuple[str, ...]] = {
    kind.name: kind.names
    for kind in (
        *(alarms.KIND, campaigns.KIND, messages.KIND, queues.KIND, letters.KIND),
        *(resources.RESOURCES, resources.OUTPUTS, deployments.KIND, calls.KIND),
        sessions.kind(lambda: 0.0, lambda: None),
    )
}
"""The columns of each kind of rows that can be chosen."""


def parse_columns(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Columns by the name of a kind; raises `ConsoleError` naming what there is."""
    found = {}
    for text in texts:
        kind, _, names = text.partition("=")
        if kind not in NAMES:
            raise ConsoleError(
                ProblemKind.BAD_INPUT,
                f"there is no table {safe_line(kind, 40)!r}",
                f"write TABLE=COLUMN,COLUMN with one of {', '.join(NAMES)}",
            )
        found[kind] = require_columns(kind, NAMES[kind], split(names))
    return found


def split(text: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))


def require_columns(kind: str, known: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """`names` if the table has them all; raises `ConsoleError` naming those that it has."""
    for name in names:
        if name not in known:
            raise ConsoleError(
                ProblemKind.BAD_INPUT,
                f"{kind} have no column {safe_line(name, 40)!r}",
                f"they have {', '.join(known)}",
            )
    return tuple(names)
