"""Every test file belongs to a suite that a command runs, and the commands are what CI runs."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from tests.support.file_order import LONGEST_FIRST

ROOT = Path(__file__).resolve().parents[2]


def test_each_test_file_is_in_one_suite() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    suite = options["testpaths"]
    assert "tests/reliability" not in suite
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    assert {"/".join(path.parts[:2]) for path in files} == {*suite, "tests/reliability"}


def test_the_files_that_come_first_exist() -> None:
    assert [name for name in LONGEST_FIRST if not (ROOT / name).is_file()] == []


def test_make_runs_both_and_lists_them() -> None:
    dry = {
        target: subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for target in ("test", "reliability", "help")
    }
    assert "pytest" in dry["test"]
    assert "tests/reliability" not in dry["test"]
    assert "CPAAS_HYPOTHESIS_PROFILE=reliability" in dry["reliability"]
    assert "tests/reliability" in dry["reliability"]
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"test", "reliability", "lint"} <= {line.split()[0] for line in listed.splitlines()}


def test_ci_runs_them() -> None:
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in commands if line.startswith("make ")] == [
        "make lint",
        "make test",
        "make reliability",
    ]
    assert "- run: make reliability" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
