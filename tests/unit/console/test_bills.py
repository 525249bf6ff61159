"""Cost Explorer is asked twice a day at most, whatever goes wrong, and says whose money it counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.caches import cache_directory
from console.domain import ConsoleError, ProblemKind
from console.services.errors import classify
from console.sources.bills import QUESTIONS_A_DAY, Bills
from console.sources.fake_outputs import fake_outputs
from tests.support.canned_dynamo import Clients

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC).timestamp()
HOUR = 3_600.0


def group(service: str, usd: str) -> dict[str, Any]:
    return {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": usd, "Unit": "USD"}}}


def day(number: int, *groups: dict[str, Any]) -> dict[str, Any]:
    return {
        "TimePeriod": {"Start": f"2026-11-{number:02d}", "End": f"2026-11-{number + 1:02d}"},
        "Groups": list(groups),
    }


class CostExplorer:
    """Two pages of answers; `error` refuses."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def get_cost_and_usage(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if "NextPageToken" in request:
            return {"ResultsByTime": [day(2, group("AWS Lambda", "0.25"))]}
        first = day(1, group("AWS Lambda", "0.5"), group("End User\x1b[2J Messaging", "3"))
        return {"ResultsByTime": [first], "NextPageToken": "more"}


class Console:
    """Bills over one directory at a moment that tests move; `fresh` is a console started anew."""

    def __init__(self, directory: Path) -> None:
        self.now, self.directory, self.ce = NOW, directory, CostExplorer()

    def fresh(self) -> Bills:
        clients: Any = Clients(ce=self.ce)
        return Bills(fake_outputs("dev").identity, clients, lambda: self.now, self.directory)

    @property
    def questions(self) -> int:
        return sum("NextPageToken" not in request for request in self.ce.requests)


def test_the_month_is_added_up_by_day_and_by_service(tmp_path: Path) -> None:
    console = Console(tmp_path)
    bill = console.fresh().read()
    assert bill.by_day == {"2026-11-01": 3.5, "2026-11-02": 0.25}
    assert bill.by_service == {"AWS Lambda": 0.75, "End User[2J Messaging": 3.0}
    assert (bill.as_of, bill.scope) == (NOW, "the whole account 000000000000")
    first = console.ce.requests[0]
    assert first["TimePeriod"] == {"Start": "2026-11-01", "End": "2026-11-22"}
    assert "Filter" not in first


def test_the_answer_outlives_the_console_and_is_renewed_after_half_a_day(tmp_path: Path) -> None:
    console = Console(tmp_path)
    first = console.fresh().read()
    console.now += 12 * HOUR - 1
    assert console.fresh().read() == first
    console.now += 1
    renewed = console.fresh().read()
    assert (renewed.as_of, console.questions) == (console.now, 2)
    (path,) = tmp_path.iterdir()
    assert path.name == "bill-000000000000-dev.json"


def test_a_refused_question_counts_too_and_the_next_day_is_another(tmp_path: Path) -> None:
    console = Console(tmp_path)
    console.ce.error = PermissionError("no")
    for _ in range(QUESTIONS_A_DAY):
        with pytest.raises(PermissionError):
            console.fresh().read()
    console.ce.error = None
    with pytest.raises(ConsoleError, match="each costs a cent") as caught:
        console.fresh().read()
    assert caught.value.problem.kind is ProblemKind.THROTTLED
    assert console.questions == QUESTIONS_A_DAY
    console.now += 23 * HOUR
    assert console.fresh().read().as_of == console.now


def test_last_months_bill_is_not_this_months(tmp_path: Path) -> None:
    console = Console(tmp_path)
    console.now = datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp()
    console.fresh().read()
    console.now += 2 * HOUR
    assert console.fresh().read().as_of == console.now


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 0}', '{"schema": 1, "asked": "x", "bill": null}'])
def test_a_file_of_another_version_or_a_broken_one_is_written_anew(tmp_path: Path, text: str) -> None:
    console = Console(tmp_path)
    (tmp_path / "bill-000000000000-dev.json").write_text(text)
    assert console.fresh().read() == console.fresh().read()
    assert console.questions == 1


def test_where_nothing_can_be_kept_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    console = Console(tmp_path / "file")
    with pytest.raises(ConsoleError, match="is not asked") as caught:
        console.fresh().read()
    assert "XDG_CACHE_HOME" in classify(caught.value).remedy
    assert console.questions == 0


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "cpaas-console"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path.home() / ".cache" / "cpaas-console"


@given(waits=st.lists(st.tuples(st.floats(0, 8 * HOUR), st.booleans()), max_size=30))
def test_no_day_sees_more_questions_than_are_allowed(
    tmp_path_factory: pytest.TempPathFactory, waits: list[tuple[float, bool]]
) -> None:
    console = Console(tmp_path_factory.mktemp("cache"))
    asked: list[str] = []
    for seconds, refuses in waits:
        console.now += seconds
        console.ce.error = PermissionError("no") if refuses else None
        before = console.questions
        try:
            console.fresh().read()
        except (PermissionError, ConsoleError):
            pass
        asked += [datetime.fromtimestamp(console.now, UTC).date().isoformat()] * (console.questions - before)
    assert all(asked.count(each) <= QUESTIONS_A_DAY for each in asked)


def test_what_is_kept_is_readable_json_of_one_schema(tmp_path: Path) -> None:
    console = Console(tmp_path)
    console.fresh().read()
    (path,) = tmp_path.iterdir()
    kept = json.loads(path.read_text())
    assert (kept["schema"], kept["asked"]) == (1, [NOW])
    assert path.stat().st_mode & 0o077 == 0
