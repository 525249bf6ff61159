"""However a cloud ends, no process, no port and no directory of it stays."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud import launch, lifetime

ROOT = Path(__file__).resolve().parent.parent.parent
PARENT = """
import signal, sys, time
from localcloud import launch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
cloud = launch.start(launch.LaunchOptions(provision=False))
print(cloud.pid, cloud.endpoint_url, flush=True)
time.sleep(600)
"""
BUSY = "import time\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n    return 1\n"


def _processes(pgid: int) -> set[int]:
    """Living processes of a process group (zombies are not)."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, _, group = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(group) == pgid and state != "Z":
            found.add(int(entry.name))
    return found


def _listening(pids: set[int]) -> set[tuple[str, int]]:
    """Addresses and ports on which any of the processes listens, TCP and UDP, from /proc."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except FileNotFoundError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            is_open = fields[3] == "0A" if table.startswith("tcp") else True
            if is_open and fields[9] in inodes:
                address, port = fields[1].rsplit(":", 1)
                found.add((f"{table} {address}", int(port, 16)))
    return found


def _deploy_busy(endpoint_url: str) -> Any:
    """A client of a cloud that has one function, warm and in the middle of a call that lasts for minutes."""
    options = {
        "endpoint_url": endpoint_url,
        "region_name": "us-east-1",
        "aws_access_key_id": "123456789012",
        "aws_secret_access_key": "x",
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = boto3.client("iam", **options).create_role(RoleName="busy", AssumeRolePolicyDocument=document)["Role"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", BUSY)
    functions = boto3.client("lambda", **options)
    functions.create_function(
        FunctionName="busy",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=900,
    )
    functions.invoke(FunctionName="busy", Payload=b"{}")
    functions.invoke(FunctionName="busy", Payload=b'{"sleep": 600}', InvocationType="Event")
    return functions


def _closed(endpoint_url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(endpoint_url.rpartition(":")[2]))) != 0


def _directories(pid: int) -> list[Path]:
    return list(lifetime.base_directory().glob(f"{pid}-*"))


@pytest.fixture
def own_cloud() -> Iterator[launch.LocalCloud]:
    running = launch.start(launch.LaunchOptions(provision=False))
    yield running
    running.stop()


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def test_only_loopback_is_listened_on(own_cloud: launch.LocalCloud) -> None:
    _deploy_busy(own_cloud.endpoint_url)
    port = int(own_cloud.endpoint_url.rpartition(":")[2])
    pids = _processes(own_cloud.pid)
    assert len(pids) >= 2
    assert _listening(pids) == {("tcp 0100007F", port)}


def test_stop_leaves_nothing(own_cloud: launch.LocalCloud) -> None:
    _deploy_busy(own_cloud.endpoint_url)
    own_cloud.stop()
    assert _processes(own_cloud.pid) == set()
    assert _directories(own_cloud.pid) == []
    assert _closed(own_cloud.endpoint_url)
    own_cloud.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_child_ends_it_cleanly(
    number: signal.Signals, own_cloud: launch.LocalCloud, wait_until: Any
) -> None:
    _deploy_busy(own_cloud.endpoint_url)
    os.kill(own_cloud.pid, number)
    wait_until(lambda: not _processes(own_cloud.pid), timeout=5)
    wait_until(lambda: not _directories(own_cloud.pid), timeout=1)
    assert _closed(own_cloud.endpoint_url)


def test_a_killed_child_takes_its_functions_along(own_cloud: launch.LocalCloud, wait_until: Any) -> None:
    _deploy_busy(own_cloud.endpoint_url)
    os.kill(own_cloud.pid, signal.SIGKILL)
    wait_until(lambda: not _processes(own_cloud.pid), timeout=5)
    assert _closed(own_cloud.endpoint_url)
    own_cloud.stop()
    assert _directories(own_cloud.pid) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_parents_end_is_the_childs(number: signal.Signals, parent: subprocess.Popen[str], wait_until: Any) -> None:
    assert parent.stdout is not None
    pid, endpoint_url = parent.stdout.readline().split()
    _deploy_busy(endpoint_url)
    parent.send_signal(number)
    parent.wait()
    wait_until(lambda: not _processes(int(pid)), timeout=5)
    wait_until(lambda: not _directories(int(pid)), timeout=1)
    assert _closed(endpoint_url)


def test_both_killed_leave_a_directory_for_the_next_start(parent: subprocess.Popen[str], wait_until: Any) -> None:
    assert parent.stdout is not None
    pid, endpoint_url = parent.stdout.readline().split()
    _deploy_busy(endpoint_url)
    os.kill(int(pid), signal.SIGKILL)
    parent.kill()
    parent.wait()
    wait_until(lambda: not _processes(int(pid)), timeout=5)
    lifetime.create().release()
    assert _directories(int(pid)) == []
    assert _closed(endpoint_url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_in_the_middle_of_provisioning_is_an_end(number: signal.Signals, wait_until: Any) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "--port", "0", "--json", "--parent-pipe"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            assert event["event"] == "progress"
            if event["stage"] == "provision" and event["done"] >= 1:
                break
        assert len(_processes(process.pid)) == 2
        process.send_signal(number)
        wait_until(lambda: not _processes(process.pid), timeout=5)
        lifetime.sweep()
        assert _directories(process.pid) == []
    finally:
        process.kill()
        process.communicate()


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localcloud", *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "70000"], "is not a port"),
        (["--speed", "0"], "is not a factor"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["--profile", "nobody"], "no carrier profile 'nobody'"),
        (["--outputs", "/nonexistent/outputs.json"], "cannot write the outputs to /nonexistent/outputs.json"),
        (["--stack", "nobody", "--port", "0"], "there is no stack 'nobody' here"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_exit_code_2(options: list[str], sentence: str) -> None:
    for extra in ([], ["--json"]):
        done = _run(*options, *extra)
        assert done.returncode == 2
        talk = [line for line in done.stderr.splitlines() if line.startswith("cpaas-local: ")]
        assert len(talk) == 1
        assert sentence in talk[0]
        assert "Traceback" not in done.stderr
        if extra:
            last = json.loads(done.stdout.splitlines()[-1])
            assert last["event"] == "error"
            assert sentence in last["message"]


def test_a_taken_port_is_one_sentence(own_cloud: launch.LocalCloud) -> None:
    port = own_cloud.endpoint_url.rpartition(":")[2]
    done = _run("--port", port, "--no-provision")
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port} (address already in use)" in done.stderr
    with pytest.raises(launch.LaunchError, match=f"cannot listen on 127.0.0.1:{port}"):
        launch.start(launch.LaunchOptions(provision=False, port=int(port)))


def test_a_person_gets_lines_to_export(wait_until: Any) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "--no-provision", "--port", "0"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(6)]
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        assert set(exported) == {
            "AWS_ENDPOINT_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
        }
        identity = subprocess.run(
            [sys.executable, "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"],
            env={"PATH": os.environ["PATH"], **exported},
            capture_output=True,
            text=True,
            check=True,
        )
        assert identity.stdout.strip() == exported["AWS_ACCESS_KEY_ID"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_outputs_file_is_private_and_where_it_was_asked_for(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    with launch.start(launch.LaunchOptions(provision=False, outputs=outputs)) as running:
        assert running.outputs_file == outputs
        assert running.outputs() == {}
        assert outputs.stat().st_mode & 0o777 == 0o600
