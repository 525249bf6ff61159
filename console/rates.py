"""Rates that people type."""

from __future__ import annotations

import math

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line


def per_second(value: object, *, name: str, things: str, most: float) -> float:
    """Read so many `things` a second, above 0 and at most `most`; raises `ConsoleError` with the remedy."""
    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 < number <= most):
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"the {name} is {safe_line(value, 40)}",
            f"give {things} per second above 0 and at most {most:g}",
        )
    return number
