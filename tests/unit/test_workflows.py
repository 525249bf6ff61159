"""The workflows: pinned, with the least rights, closed to scripts from titles and branches, and with an end."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
PINNED = re.compile(r"\s*-?\s*uses: [\w.-]+/[\w./-]+@([0-9a-f]{40}) # v\d+\.\d+\.\d+\Z")
LOCAL = re.compile(r"\s*uses: \./\.github/workflows/[\w-]+\.yml\Z")

READ = {"contents": "read"}
OIDC = {"contents": "read", "id-token": "write"}
PERMISSIONS = {
    ("ci", "checks"): READ,
    ("ci", "reliability"): READ,
    ("deploy", "checks"): READ,
    ("deploy", "prod"): OIDC,
    ("deploy", "staging"): OIDC,
    ("deploy-stack", "up"): OIDC,
    ("drift", "compare"): OIDC,
    ("explore", "properties"): READ,
    ("preview", "offline"): READ,
    ("preview", "pulumi"): OIDC,
    ("preview-comment", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
}
"""What each job may do, all of it: a new right is a change here, too."""


def load(path: Path) -> dict[str, Any]:
    """A workflow; YAML reads its key `on` as true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["on"] = document.pop(True)
    assert isinstance(document, dict)
    return document


WORKFLOWS = {path.stem: load(path) for path in FILES}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, workflow in WORKFLOWS.items():
        for key, job in workflow["jobs"].items():
            yield name, key, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, key, job in jobs():
        for step in job.get("steps", ()):
            yield f"{name}/{key}", step


def scripts() -> list[tuple[str, str]]:
    return [(where, step["run"]) for where, step in steps() if "run" in step]


def test_there_are_workflows() -> None:
    assert set(WORKFLOWS) == {"ci", "deploy", "deploy-stack", "drift", "explore", "preview", "preview-comment"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned_and_says_its_version(path: Path) -> None:
    uses = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.match(line) and not LOCAL.match(line)] == []


def test_one_action_is_one_version_everywhere() -> None:
    lines = {line.strip().lstrip("- ") for path in FILES for line in path.read_text().splitlines() if "@" in line}
    actions = [line.split("@")[0] for line in lines if line.startswith("uses:")]
    assert len(actions) == len(set(actions)) > 4


def test_rights_are_the_least() -> None:
    assert all(workflow["permissions"] == {} for workflow in WORKFLOWS.values())
    assert {(name, key): job["permissions"] for name, key, job in jobs()} == PERMISSIONS


def test_nothing_runs_a_stranger_s_code_with_rights() -> None:
    for name, workflow in WORKFLOWS.items():
        assert "pull_request_target" not in workflow["on"], name
        assert "secrets." not in json.dumps(workflow), name
    by_pull_request = {name for name, workflow in WORKFLOWS.items() if "pull_request" in workflow["on"]}
    assert by_pull_request == {"ci", "preview"}
    for name, key, job in jobs():
        if name in by_pull_request and job["permissions"] != READ:
            assert "head.repo.full_name == github.repository" in job["if"], key


def test_the_comment_is_made_by_the_default_branch_s_code() -> None:
    workflow = WORKFLOWS["preview-comment"]
    assert workflow["on"] == {"workflow_run": {"workflows": [WORKFLOWS["preview"]["name"]], "types": ["completed"]}}
    checkouts = [step for where, step in steps() if where.startswith("preview-comment") and _checks_out(step)]
    assert [step["with"]["ref"] for step in checkouts] == ["${{ github.event.repository.default_branch }}"]


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [step for _, step in steps() if _checks_out(step)]
    assert len(checkouts) >= 5
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_is_pasted_into_a_script() -> None:
    assert [where for where, script in scripts() if "${{" in script] == []


def test_scripts_are_bash() -> None:
    for where, script in scripts():
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{where}: {done.stderr}"


def test_scripts_name_what_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {match[1] for _, script in scripts() for match in re.finditer(r"\bmake ([\w./-]+)", script)}
    assert {"lint", "test", "reliability", "build"} <= targets
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) or target == ".venv/.ready", target
    assert "STAMP := $(VENV)/.ready" in makefile
    for _, script in scripts():
        for match in re.finditer(r"tools/\w+\.py", script):
            assert (ROOT / match[0]).is_file()


def test_everything_ends_and_nothing_runs_twice_at_once() -> None:
    for name, key, job in jobs():
        if "uses" not in job:
            assert WORKFLOWS[name]["concurrency"]["group"], (name, key)
            assert 0 < job["timeout-minutes"] <= 60, (name, key)
            assert job["runs-on"] == "ubuntu-24.04", (name, key)


def test_a_deployment_is_never_cut_off() -> None:
    for name in ("deploy-stack", "drift"):
        assert WORKFLOWS[name]["concurrency"].get("cancel-in-progress") is False
    assert WORKFLOWS["ci"]["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_an_approval_that_is_waited_for_holds_back_its_stack_only() -> None:
    assert "concurrency" not in WORKFLOWS["deploy"]
    assert all("uses" in job and "concurrency" not in job for job in WORKFLOWS["deploy"]["jobs"].values())
    assert WORKFLOWS["deploy-stack"]["concurrency"]["group"] == "stack-${{ inputs.stack }}"


def test_the_suite_comes_before_staging_and_staging_before_prod() -> None:
    deploy = WORKFLOWS["deploy"]
    assert deploy["on"]["push"] == {"branches": ["main"]}
    assert deploy["jobs"]["checks"]["uses"] == "./.github/workflows/ci.yml"
    checks = {step["run"] for where, step in steps() if where.startswith("ci/") and "run" in step}
    assert checks == {"make lint", "make test", "make reliability"}
    assert (deploy["jobs"]["staging"]["needs"], deploy["jobs"]["prod"]["needs"]) == ("checks", "staging")
    assert WORKFLOWS["deploy-stack"]["jobs"]["up"]["environment"] == "${{ inputs.stack }}"


def test_the_pulumi_cli_is_the_locked_sdk_s_version() -> None:
    locked = re.search(r"^pulumi==(\S+)", (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert locked is not None
    used = [step["with"] for _, step in steps() if step.get("uses", "").startswith("pulumi/actions@")]
    assert len(used) == 3
    assert {step["pulumi-version"] for step in used} == {locked[1]}
    assert all((ROOT / step.get("policyPacks", ".")).is_dir() for step in used)


def test_drift_is_a_difference_after_a_refresh() -> None:
    (step,) = [step["with"] for where, step in steps() if where == "drift/compare" and "pulumi" in step.get("uses", "")]
    assert (step["command"], step["refresh"], step["expect-no-changes"]) == ("preview", True, True)


def test_what_the_documentation_says_of_names() -> None:
    """Variables and workflows in docs/workflows.md are those that are used."""
    text = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
    used = {match for path in FILES for match in re.findall(r"vars\.([A-Z_]+)", path.read_text(encoding="utf-8"))}
    assert used == set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))
    assert {f"{path.name}" for path in FILES} <= set(re.findall(r"`([\w-]+\.yml)`", text))


def _checks_out(step: dict[str, Any]) -> bool:
    return str(step.get("uses", "")).startswith("actions/checkout@")
