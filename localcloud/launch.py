"""The parent's side: start an embedded cloud as a child process, talk to it, stop it."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote, urlsplit

from localcloud import lifetime
from localcloud.profile import CarrierProfile
from localcloud.websocket_profile import WebSocketProfile

_STOP_SECONDS = 5.0


class LaunchError(RuntimeError):
    """The cloud did not start, or a control call was refused; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """How to start the child; the meanings are those of the command's options. `timeout` in seconds, until ready."""

    stack: str = "local"
    provision: bool = True
    profile: CarrierProfile | str = "smooth"
    speed: float = 1.0
    port: int = 0
    outputs: Path | None = None
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One call to send that a carrier received; `at` in seconds since the epoch, the rest as in `traffic.Call`."""

    at: float
    channel: str
    message_id: str | None
    context: Mapping[str, str]
    destination: str
    parts: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of IAM to a role or user; `session` is who used the role: a function's own name."""

    principal: str
    session: str
    action: str
    resource: str
    allowed: bool


class ControlClient:
    """A small client of the control API. Safe to use from several threads."""

    def __init__(self, endpoint_url: str) -> None:
        self._address = urlsplit(endpoint_url).netloc

    def status(self) -> dict[str, Any]:
        """Stack, region, account, uptime, speed and the clock's lead."""
        return dict(self._call("GET", "status"))

    def advance_clock(self, seconds: float) -> dict[str, str]:
        """Let time pass for alarms and schedules; the state of every alarm afterwards."""
        return dict(self._call("POST", "clock", {"advance_seconds": seconds})["alarms"])

    def carrier_profile(self) -> CarrierProfile:
        """The carriers' behaviour in force."""
        return CarrierProfile.from_mapping(self._call("GET", "carrier/profile"))

    def set_carrier_profile(self, profile: CarrierProfile) -> None:
        """Change the carriers' behaviour; their sequences of outcomes start anew."""
        self._call("PUT", "carrier/profile", profile.to_mapping())

    def set_template_status(self, business_account_id: str, name: str, status: str, *, language: str = "en_US") -> None:
        """Let Meta approve, pause or disable a WhatsApp template."""
        wanted = {"business_account_id": business_account_id, "name": name, "language": language, "status": status}
        self._call("PUT", "carrier/template", wanted)

    def set_websocket_profile(self, profile: WebSocketProfile) -> None:
        """Change how WebSockets misbehave; the sequence of chances starts anew."""
        self._call("PUT", "websockets/profile", profile.to_mapping())

    def open_websockets(self) -> int:
        """How many WebSockets are open."""
        return int(self._call("GET", "websockets")["open"])

    def carrier_calls(self) -> list[CarrierCall]:
        """Every call to send, on any channel, since the last `forget_carrier_calls`, oldest first."""
        return [CarrierCall(**call) for call in self._call("GET", "carrier/calls")]

    def forget_carrier_calls(self) -> None:
        """Empty the record of calls."""
        self._call("DELETE", "carrier/calls")

    def meters(self) -> dict[str, Any]:
        """`write_units` by table and operation, `total_write_units`, `writes` with callers, `requests` by service."""
        return dict(self._call("GET", "meters"))

    def clear_meters(self) -> None:
        """Start counting from zero."""
        self._call("DELETE", "meters")

    def decisions(self) -> list[Decision]:
        """Every different question that IAM answered about a role or user since the last `forget_decisions`."""
        return [Decision(**decision) for decision in self._call("GET", "grants")]

    def forget_decisions(self) -> None:
        """Empty the record of IAM's answers."""
        self._call("DELETE", "grants")

    def kill_function(self, name: str) -> list[int]:
        """SIGKILL the function's processes, as a crash would; their ids."""
        return list(self._call("POST", f"functions/{quote(name, safe='')}/kill")["killed"])

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request(method, f"/_cpaas/{path}", None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        answer = json.loads(text) if text else None
        if response.status >= 300:
            raise LaunchError(answer["message"] if isinstance(answer, dict) else f"{method} {path}: {response.status}")
        return answer


class LocalCloud:
    """A running embedded cloud; a context manager that stops it."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Mapping[str, Any]) -> None:
        self._process = process
        self.endpoint_url: str = ready["endpoint_url"]
        self.outputs_file = Path(ready["outputs_file"])
        self.region: str = ready["region"]
        self.access_key_id: str = ready["access_key_id"]
        self.secret_access_key: str = ready["secret_access_key"]
        self.recorded: list[str] = list(ready["recorded"])
        self.control = ControlClient(self.endpoint_url)

    @property
    def pid(self) -> int:
        """The child's process id, also its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The child's exit code, None while it runs."""
        return self._process.poll()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, read from the outputs file."""
        return dict(json.loads(self.outputs_file.read_text(encoding="utf-8")))

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the account's root, bound to this cloud."""
        import boto3

        return boto3.session.Session().client(service, **{**self.client_options(), **options})

    def client_options(self) -> dict[str, str]:
        """What binds a boto3 client to this cloud."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }

    def stop(self) -> None:
        """End the child and all it started; a second call does nothing."""
        _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(options: LaunchOptions | None = None) -> LocalCloud:
    """Start a child and wait until it is ready; raises `LaunchError`."""
    options = options or LaunchOptions()
    command = [sys.executable, "-m", "localcloud", "--json", "--parent-pipe", "--port", str(options.port)]
    command += ["--stack", options.stack, "--speed", str(options.speed)]
    if not options.provision:
        command.append("--no-provision")
    if options.outputs is not None:
        command += ["--outputs", str(options.outputs)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as profile, tempfile.TemporaryFile() as talk:
        if isinstance(options.profile, CarrierProfile):
            json.dump(options.profile.to_mapping(), profile)
            profile.flush()
            command += ["--profile", profile.name]
        else:
            command += ["--profile", options.profile]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=talk,
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,
        )
        try:
            return LocalCloud(process, _ready(process, options.timeout, talk))
        except BaseException:
            _end(process)
            raise


def _ready(process: subprocess.Popen[bytes], timeout: float, talk: IO[bytes]) -> Mapping[str, Any]:
    events: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
    assert process.stdout is not None

    def read(stream: IO[bytes]) -> None:
        for line in stream:
            events.put(json.loads(line))
        events.put(None)

    threading.Thread(target=read, args=(process.stdout,), name="cloud-events", daemon=True).start()
    try:
        while (event := events.get(timeout=timeout)) is not None:
            if event["event"] == "ready":
                return event
            if event["event"] == "error":
                raise LaunchError(event["message"])
    except queue.Empty:
        raise LaunchError(f"the embedded cloud was not ready after {timeout:g} s") from None
    code = process.wait()
    talk.seek(0)
    said = talk.read().decode("utf-8", "replace").strip().splitlines()
    raise LaunchError(f"the embedded cloud ended with exit code {code}: {said[-1] if said else 'it said nothing'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None and not process.stdin.closed:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        # The group outlives its leader while a member is left; an empty one is no error.
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    lifetime.sweep()
