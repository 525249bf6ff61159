"""Paths of the helpers of the screen's tests: modules are imported by path, so they are named here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
