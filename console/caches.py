"""Where the console keeps what outlives it."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """This user's caches of the console (XDG base directory specification); it may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cpaas-console"
