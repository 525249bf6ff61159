"""The console's own spend by month, kept over restarts, and how much it slows reading when the budget runs out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from console.caches import cache_directory, replace_whole
from console.clock import Clock

SAVE_SECONDS = 60.0
STEPS = ((1.0, 10.0), (0.8, 4.0), (0.5, 2.0))
"""From which share of the budget on reads are how many times rarer; none ever stops, alarms matter more than cents."""


class Budget:
    """What consoles of this person have spent on one stack in this UTC month, in US dollars.

    `path` keeps it over restarts; a file that cannot be read or written costs only the memory of earlier runs, which
    `trouble` tells. Consoles that run side by side overwrite each other's sum: the larger one stays.
    """

    def __init__(self, path: Path | None, monthly_usd: float, clock: Clock) -> None:
        self.monthly_usd = monthly_usd
        self.trouble = ""
        self._path = path
        self._clock = clock
        self._month = self._this_month()
        self._before = self._load()
        self._counted = 0.0
        self._session = 0.0
        self._saved_at = clock.monotonic()

    @property
    def month_to_date_usd(self) -> float:
        """Spent in this month, this run included."""
        return self._before + self._session

    def note(self, usd: float) -> None:
        """Take the sum since this console was started; a new month begins at nothing."""
        month = self._this_month()
        if month != self._month:
            self._month, self._before, self._session = month, 0.0, 0.0
        self._session += max(0.0, usd - self._counted)
        self._counted = usd
        if self._clock.monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def slowness(self) -> float:
        """How many times rarer reads are now."""
        if self.monthly_usd <= 0:
            return 1.0
        share = self.month_to_date_usd / self.monthly_usd
        return next((factor for least, factor in STEPS if share >= least), 1.0)

    def save(self) -> None:
        """Write the month's sum; call it at the end as well."""
        self._saved_at = self._clock.monotonic()
        if self._path is None:
            return
        self._before = max(self._before, self._load() - self._session)
        document = json.dumps({"month": self._month, "usd": round(self.month_to_date_usd, 9)})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_whole(self._path, document)
        except OSError as error:
            self.trouble = f"the month's spend cannot be kept in {self._path.parent} ({error.strerror})"

    def _load(self) -> float:
        if self._path is None:
            return 0.0
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            return float(document["usd"]) if document["month"] == self._month else 0.0
        except FileNotFoundError:
            return 0.0
        except (OSError, ValueError, KeyError, TypeError):
            self.trouble = f"{self._path} cannot be read, so the month's spend begins at nothing"
            return 0.0

    def _this_month(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m")


def budget_file(account_id: str, stack: str) -> Path:
    """Where the spend of one stack's consoles is kept."""
    return cache_directory() / f"spend-{account_id}-{stack}.json"
