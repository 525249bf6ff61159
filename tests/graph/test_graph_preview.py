"""A preview end to end: a commit that widens a policy, adds a table and raises a memory size, told in a comment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.settings import STAND_INS

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache", ".hypothesis", "tests", "bench")
IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")

INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
runpy.run_module("console.cli", run_name="__main__")
"""

TABLE = """    Table("audit", TableArgs(thing="audit", keys={"id": "S"}, hash_key="id"), platform)
    outputs = StackOutputs("""


def git(directory: Path, *arguments: str) -> str:
    """Run git; answers its stdout."""
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def edit(path: Path, old: str, new: str) -> None:
    """Replace the one place that says `old`."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} says {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is here, as the branch main, and a branch with one commit that changes it."""
    directory = tmp_path_factory.mktemp("clone") / "project"
    shutil.copytree(ROOT, directory, ignore=LEFT_OUT)
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message=Before")
    git(directory, "switch", "--quiet", "--create=wider")
    edit(directory / "components" / "function.py", "memory_size=args.memory_mb", "memory_size=_memory(thing, args)")
    edit(
        directory / "components" / "function.py",
        "def _platform_rights(",
        "def _memory(thing: str, args: FunctionArgs) -> int:\n"
        '    return 1024 if thing == "sweeper" else args.memory_mb\n\n\ndef _platform_rights(',
    )
    edit(
        directory / "components" / "table.py",
        "resources=[self.arn], key_actions=READ",
        'resources=["arn:aws:dynamodb:us-east-1:123456789012:table/*" if sid == "TrackDelivery" else self.arn], '
        "key_actions=READ",
    )
    edit(
        directory / "components" / "table.py",
        'sid=sid, actions=[f"dynamodb:{action}" for action in actions]',
        'sid=sid, actions=[f"dynamodb:{action}" for action in (*actions, *["DeleteItem"] * (sid == "SweepTracking"))]',
    )
    edit(directory / "__main__.py", "    outputs = StackOutputs(", TABLE)
    edit(
        directory / "__main__.py",
        "from components.publication import Publication\n",
        "from components.publication import Publication\nfrom components.table import Table, TableArgs\n",
    )
    git(directory, "commit", "--quiet", "--all", "--message=Wider")
    return directory


@pytest.fixture(scope="module")
def document(repository: Path) -> dict[str, Any]:
    """The preview of that commit, against where its branch left main."""
    done = preview(repository, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def preview(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`cpaas-console preview` in a directory, with the code of that directory."""
    return subprocess.run(
        [sys.executable, "-m", "console.cli", "preview", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def test_the_comment_says_all_three_with_the_dollars(
    repository: Path, document: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    comment = preview(repository, "--from", str(file), "--markdown").stdout
    lines = comment.splitlines()
    assert lines[0] == "<!-- cpaas-preview ai-cpaas-demo/dev -->"
    assert (
        "+ delivery-processor may now batch-read, read and update items in every table of the account "
        "(arn:aws:dynamodb:us-east-1:123456789012:table/*)"
    ) in lines
    assert "+ sweeper may now delete items in table ai-cpaas-demo-delivery-tracking-dev" in lines
    assert "+ table ai-cpaas-demo-audit-dev" in lines
    assert "~ function ai-cpaas-demo-sweeper-dev" in lines
    assert "    memorySize: 256 -> 1024" in lines
    # 43,800 minutes at half a second: GB-seconds at $0.0000133334.
    assert "+   function ai-cpaas-demo-sweeper-dev: Lambda compute $0.0730 -> $0.2920 (+$0.2190)" in lines, [
        line for line in lines if "sweeper" in line
    ]
    assert "+   table ai-cpaas-demo-audit-dev: DynamoDB storage $0.00 -> $0.2500 (+$0.2500) (use assumed)" in lines
    assert "+   table ai-cpaas-demo-audit-dev: DynamoDB writes $0.00 -> $0.0625 (+$0.0625) (use assumed)" in lines
    assert len(comment) < 64_000


def test_what_was_widened_is_not_told_as_lost(document: dict[str, Any]) -> None:
    assert document["permissions"]["lost"] == []


def test_the_revisions_and_the_totals(repository: Path, document: dict[str, Any]) -> None:
    assert document["against"]["revision"] == git(repository, "rev-parse", "main")
    assert document["head"]["revision"] == git(repository, "rev-parse", "wider")
    cost = document["cost"]
    difference = cost["infrastructure"]["after"] - cost["infrastructure"]["before"]
    assert difference == pytest.approx(sum(line["after"] - line["before"] for line in cost["lines"]), abs=1e-4)
    assert cost["messages"]["before"] == cost["messages"]["after"] > 0
    assert document["policy"]["new"] == document["policy"]["standing"] == []
    assert {item["change"] for item in document["resources"]} == {"added", "changed"}
    assert not any(item["replaces"] for item in document["resources"])


def test_an_uncommitted_change_is_compared_with_head(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    edit(
        clone / "components" / "function.py", 'tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"', BAD
    )
    done = preview(clone)
    assert done.returncode == 1, done.stderr
    assert "HEAD, because the work tree has uncommitted changes" in " ".join(done.stdout.split())
    assert "! new: function-tracing (mandatory)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


BAD = 'tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="PassThrough"'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "no-such-revision"], "there is no revision 'no-such-revision' here"),
        (["--against", "--output=/tmp/x"], "is no revision"),
        (["--stack", "nowhere"], "there is no stack 'nowhere' here (stacks: dev, local, prod, staging)"),
        (["--usage", "/no/such/file"], "cannot read /no/such/file"),
        (["--from", "/no/such/file"], "cannot read /no/such/file"),
    ],
)
def test_bad_input_is_one_sentence(repository: Path, arguments: list[str], words: str) -> None:
    flag, value = arguments
    done = preview(repository, f"{flag}={value}")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_revision_that_cannot_be_evaluated_is_one_sentence(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    edit(clone / "__main__.py", "def main() -> None:\n", "def main() -> None:\n    raise ValueError('not today')\n")
    git(clone, "commit", "--quiet", "--all", "--message=Broken")
    git(clone, "revert", "--no-edit", "HEAD")
    done = preview(clone, "--against", "HEAD~1")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"revision {git(clone, 'rev-parse', 'HEAD~1')[:10]}: the program stopped: ValueError: not today" in done.stderr
    )
    git(clone, "rm", "--quiet", "-r", "localcloud/program.py")
    git(clone, "commit", "--quiet", "--message=Without")
    without = git(clone, "rev-parse", "HEAD")
    git(clone, "revert", "--no-edit", "HEAD")
    done = preview(clone, "--against", without)
    assert done.returncode == 2
    assert "cannot evaluate its program by itself" in done.stderr


def test_settings_that_a_stack_encrypts_are_stood_in_for(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    with (clone / "Pulumi.staging.yaml").open("a", encoding="utf-8") as file:
        file.writelines(f"  ai-cpaas-demo:{name}:\n    secure: AAABAExample\n" for name in STAND_INS)
    done = preview(clone, "--stack", "staging")
    assert done.returncode == 0, done.stderr
    assert "3 added" in done.stdout, done.stdout
    assert not any(stand_in in done.stdout for stand_in in STAND_INS.values())


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """A directory for temporary files that must be empty in the end."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    yield directory
    assert list(directory.iterdir()) == []


def test_an_interrupted_preview_leaves_nothing(repository: Path, temporary: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "preview", "--json"],
        cwd=repository,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "evaluating" in process.stderr.readline()
    waited_until = time.monotonic() + 60
    while not list(temporary.glob("cpaas-preview-*/revision/Pulumi.yaml")):
        assert time.monotonic() < waited_until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
