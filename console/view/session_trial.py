"""What came of a trial of sessions, as lines for people and as a document for programs."""

from __future__ import annotations

from typing import Any

from console.sessions.latencies import Latencies
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad, pad_left

NAME, FIGURE = 22, 9
Kinds = tuple[tuple[str, Latencies], ...]


def latency_table(kinds: Kinds) -> list[Line]:
    """Milliseconds of each kind."""
    head = line(
        (pad("ms", NAME), Role.MUTED),
        *((pad_left(name, FIGURE), Role.MUTED) for name in ("count", "p50", "p95", "p99", "longest")),
    )
    return [head, *(_row(name, found) for name, found in kinds)]


def _row(name: str, found: Latencies) -> Line:
    figures = (_shown(each) for each in (found.p50, found.p95, found.p99, found.longest))
    return line(
        pad(name, NAME), pad_left(fmt.count(found.count), FIGURE), *(pad_left(each, FIGURE) for each in figures)
    )


def _shown(seconds: float | None) -> str:
    if seconds is None:
        return fmt.MISSING
    return f"{1000 * seconds:.1f}" if seconds < 0.1 else fmt.count(1000 * seconds)


def latency_document(found: Latencies) -> dict[str, Any]:
    """The same for programs, in milliseconds."""
    named = {"p50": found.p50, "p95": found.p95, "p99": found.p99, "longest": found.longest}
    return {
        "count": found.count,
        **{f"{name}_ms": None if value is None else round(1000 * value, 3) for name, value in named.items()},
    }
