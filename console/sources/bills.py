"""What AWS says that the month costs: Cost Explorer, asked at most twice a day, its answer kept on disk.

The whole account is asked for, not the stack's tags: charges for messages need not carry them, and a tag counts only
from the day on which somebody has activated it as a cost allocation tag (Billing user guide, "Activating user-defined
cost allocation tags"), so a filter by tags would quietly leave money out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from console.caches import cache_directory, replace_whole
from console.domain import ConsoleError, ProblemKind
from console.sources.clients import Clients
from console.sources.shapes import understood
from console.telemetry import Bill
from console.text import safe_line
from lambdas.core.outputs import StackIdentity

SCHEMA = 1
QUESTIONS_A_DAY = 2
KEEP_SECONDS = 43_200.0


class Bills:
    """The bill of one stack's account. `now` is the epoch second."""

    def __init__(
        self, identity: StackIdentity, clients: Clients, now: Callable[[], float], directory: Path | None = None
    ) -> None:
        self._account = identity.account_id
        self._clients = clients
        self._now = now
        self._path = (directory or cache_directory()) / f"bill-{identity.account_id}-{identity.stack}.json"

    def read(self) -> Bill:
        """This month's bill, at most half a day old; raises `ConsoleError` when it cannot be had today."""
        now = self._now()
        today = _day(now)
        asked, bill = self._kept(today)
        if bill is not None and 0 <= now - bill.as_of < KEEP_SECONDS:
            return bill
        if len(asked) >= QUESTIONS_A_DAY:
            if bill is not None:
                return bill
            raise ConsoleError(
                ProblemKind.THROTTLED,
                f"Cost Explorer has been asked {QUESTIONS_A_DAY} times today without an answer, and each costs a cent",
                f"it is asked again tomorrow (UTC), or at once when {self._path} is deleted",
            )
        # Written before the question: whatever ends the process, no start of the console asks more than is allowed.
        self._keep([*asked, now], bill)
        fresh = self._ask(today, now)
        self._keep([*asked, now], fresh)
        return fresh

    def _ask(self, today: date, now: float) -> Bill:
        request: dict[str, Any] = {
            "TimePeriod": {"Start": today.replace(day=1).isoformat(), "End": (today + timedelta(days=1)).isoformat()},
            "Granularity": "DAILY",
            "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        }
        results: list[Mapping[str, Any]] = []
        while True:
            answer = self._clients.client("ce").get_cost_and_usage(**request)
            results += answer.get("ResultsByTime") or []
            if not answer.get("NextPageToken"):
                break
            request["NextPageToken"] = answer["NextPageToken"]
        by_day, by_service = understood("Cost Explorer's answer", _sums, results)
        return Bill(now, f"the whole account {self._account}", by_day, by_service)

    def _kept(self, today: date) -> tuple[list[float], Bill | None]:
        """Today's questions and this month's answer; nothing out of a file that another version has written."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA:
                return [], None
            asked = [float(at) for at in document["asked"] if _day(at) == today]
            bill = Bill(**document["bill"]) if document["bill"] else None
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return [], None
        return asked, bill if bill is not None and _day(bill.as_of).replace(day=1) == today.replace(day=1) else None

    def _keep(self, asked: list[float], bill: Bill | None) -> None:
        text = json.dumps({"schema": SCHEMA, "asked": asked, "bill": None if bill is None else asdict(bill)})
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_whole(self._path, text)
        except OSError as error:
            raise ConsoleError(
                ProblemKind.UNEXPECTED,
                f"Cost Explorer is not asked, because its answer cannot be kept in {self._path} ({error.strerror})",
                "make the directory writable, or name another by XDG_CACHE_HOME",
            ) from error


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _sums(results: list[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    by_day: defaultdict[str, float] = defaultdict(float)
    by_service: defaultdict[str, float] = defaultdict(float)
    for result in results:
        day = date.fromisoformat(result["TimePeriod"]["Start"]).isoformat()
        by_day[day] += 0.0
        for group in result["Groups"]:
            usd = float(group["Metrics"]["UnblendedCost"]["Amount"])
            by_day[day] += usd
            by_service[safe_line(group["Keys"][0], 80)] += usd
    return dict(by_day), dict(by_service)
