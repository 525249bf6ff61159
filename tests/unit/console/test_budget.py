"""The month's budget: kept over restarts, begins anew with a month, slows reading in steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.services.budget import SAVE_SECONDS, Budget
from tests.support.stopped_clock import StoppedClock

NOVEMBER = 1_795_000_000.0
DAY = 86_400.0


def test_a_restart_goes_on_from_what_was_spent(tmp_path: Path) -> None:
    clock, path = StoppedClock(NOVEMBER), tmp_path / "sub" / "spend.json"
    first = Budget(path, 2.0, clock)
    first.note(0.25)
    first.note(0.75)
    first.save()
    again = Budget(path, 2.0, clock)
    assert again.month_to_date_usd == pytest.approx(0.75)
    again.note(0.5)
    assert again.month_to_date_usd == pytest.approx(1.25)


def test_it_is_saved_by_itself_each_minute(tmp_path: Path) -> None:
    clock, path = StoppedClock(NOVEMBER), tmp_path / "spend.json"
    budget = Budget(path, 2.0, clock)
    budget.note(0.1)
    assert not path.exists()
    clock.advance(SAVE_SECONDS)
    budget.note(0.2)
    assert Budget(path, 2.0, clock).month_to_date_usd == pytest.approx(0.2)


def test_a_new_month_begins_at_nothing(tmp_path: Path) -> None:
    clock, path = StoppedClock(NOVEMBER), tmp_path / "spend.json"
    budget = Budget(path, 2.0, clock)
    budget.note(1.9)
    budget.save()
    clock.advance(31 * DAY)
    assert Budget(path, 2.0, clock).month_to_date_usd == 0.0
    budget.note(2.0)
    assert budget.month_to_date_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("usd", "slowness"), [(0.0, 1.0), (0.99, 1.0), (1.0, 2.0), (1.6, 4.0), (2.0, 10.0), (9.0, 10.0)]
)
def test_reads_grow_rarer_and_never_stop(usd: float, slowness: float) -> None:
    budget = Budget(None, 2.0, StoppedClock(NOVEMBER))
    budget.note(usd)
    assert budget.slowness() == slowness


def test_no_budget_never_slows() -> None:
    budget = Budget(None, 0.0, StoppedClock(NOVEMBER))
    budget.note(100.0)
    assert budget.slowness() == 1.0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"month": "2026-11", "usd": "x"}', "\x00"])
def test_a_broken_file_costs_only_the_memory(tmp_path: Path, content: str) -> None:
    path = tmp_path / "spend.json"
    path.write_text(content)
    budget = Budget(path, 2.0, StoppedClock(NOVEMBER))
    assert budget.month_to_date_usd == 0.0
    assert str(path) in budget.trouble


def test_a_place_that_cannot_be_written_is_told_and_does_no_harm(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    budget = Budget(blocked / "spend.json", 2.0, StoppedClock(NOVEMBER))
    budget.note(0.5)
    budget.save()
    assert "cannot be kept" in budget.trouble
    assert budget.month_to_date_usd == pytest.approx(0.5)
