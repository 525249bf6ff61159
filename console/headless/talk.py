"""stdout is data, stderr is talk."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from console.domain import Problem
from console.view.glyphs import Glyphs, glyphs_for, to_ascii


def glyphs() -> Glyphs:
    """The glyphs that stdout can show."""
    return glyphs_for(sys.stdout.encoding)


def put(text: str) -> None:
    """Data for stdout, in what its encoding can hold."""
    print(to_ascii(text) if glyphs().ascii_only else text, flush=True)


def put_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, indent=2, allow_nan=False), flush=True)


def say(text: str) -> None:
    """Talk for stderr."""
    unicode = glyphs_for(sys.stderr.encoding)
    print(to_ascii(text) if unicode.ascii_only else text, file=sys.stderr, flush=True)


class Course:
    """Progress on stderr, at most one line a second: provisioning has more than a hundred steps."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._said: float | None = None

    def __call__(self, step: str) -> None:
        """Say `step` unless something was said just now."""
        now = self._monotonic()
        if self._said is None or now - self._said >= 1.0:
            self._said = now
            say(step)


def complain(problem: Problem) -> None:
    """One problem as one sentence on stderr."""
    say(f"cpaas-console: {problem}")
