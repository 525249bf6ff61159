"""Files that exports are written into: named by what they hold and when, and never over another."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path


def free_path(directory: Path, name: str, form: str, now: float) -> Path:
    """A path that no file has yet, for what is called `name`, at the epoch second `now`; `form` is its ending."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = re.sub(r"[^A-Za-z0-9_-]", "-", f"cpaas-{name}-{moment}")
    paths = (directory / f"{stem}{suffix}.{form}" for suffix in ("", *(f"-{n}" for n in range(1, 1000))))
    return next(path for path in paths if not path.exists())


def write_new(path: Path, text: str) -> None:
    """Write a file that was not there; raises `OSError`, also if one is there by now."""
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text)
