"""Lambda functions without containers: a clean interpreter, unpacked archives, and one process per environment.

The interpreter is an empty virtual environment with what Lambda's Python image has (boto3 and its dependencies) and
what the project's layer adds (`requirements/lambda.txt`), so a dependency that is missing on AWS is missing here.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import json
import os
import select
import signal
import subprocess
import sysconfig
import tempfile
import threading
import time
import venv
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud import function_worker

IMAGE_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""Import names in Lambda's Python image beside the standard library."""
INIT_SECONDS = 10.0
"""Longest init phase (Lambda developer guide, "Lambda execution environment")."""
_SLOW_MACHINE = 6.0
"""Init and start-up are CPU-bound, and a laptop that starts many functions at once is slower than Lambda."""
_LOG_READ_BYTES = 65536


class LayerError(RuntimeError):
    """What the layer should contain is not installed here; the message is one sentence with the remedy."""


def make_interpreter(directory: Path, lock: Path) -> Path:
    """Build the functions' interpreter in `directory`; returns its executable. Raises `LayerError`.

    `lock` is what the layer is built from, so it has what the layer's packages need in turn.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(directory)
    site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(directory), "platbase": str(directory)}))
    for name in (*IMAGE_PACKAGES, *_layer_modules(lock)):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise LayerError(f"the package {name} is not installed; run: pip install -e '.[local]'")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (site_packages / source.name).symlink_to(source)
    return directory / "bin" / "python"


def _layer_modules(lock: Path) -> list[str]:
    """Import names of the distributions in the layer's lock: packages and single modules, in Python or compiled."""
    names: list[str] = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        distribution, pinned, _ = line.partition("==")
        if not pinned or line.lstrip().startswith(("#", "-")):
            continue
        try:
            files = importlib.metadata.files(distribution) or []
        except importlib.metadata.PackageNotFoundError as error:
            raise LayerError(f"the package {distribution} is not installed; run: pip install -e '.[local]'") from error
        names += sorted({name for file in files if (name := _import_name(file))})
    return names


def _import_name(file: importlib.metadata.PackagePath) -> str:
    """What importing a distribution's file by itself is called; empty for a file inside a package and for data."""
    if len(file.parts) == 2 and file.name == "__init__.py":
        return file.parts[0]
    importable = len(file.parts) == 1 and file.name.endswith(tuple(importlib.machinery.all_suffixes()))
    return file.name.partition(".")[0] if importable else ""


class ArchiveStore:
    """Unpacked code and layers, one directory per content, shared by all environments that use it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def unpack(self, archive: bytes) -> Path:
        """The directory with the archive's files; raises ValueError for an entry outside of it."""
        target = self._directory / hashlib.sha256(archive).hexdigest()[:32]
        with self._lock:
            if target.is_dir():
                return target
            self._directory.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=self._directory))
            with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
                for name in zipped.namelist():
                    if not (partial / name).resolve().is_relative_to(partial.resolve()):
                        raise ValueError(f"the archive's entry {name!r} lies outside of it")
                zipped.extractall(partial)  # names checked above
            partial.rename(target)
            return target


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """All that an execution environment needs to start. `timeout` in seconds, `memory` in MB."""

    function_name: str
    version: str
    handler: str
    memory: int
    timeout: float
    code: Path
    layers: Sequence[Path]
    variables: dict[str, str]

    def search_path(self) -> list[str]:
        """Function code first, then the layers in order, as on AWS."""
        layered = [str(layer / "python") for layer in self.layers]
        return [str(self.code), *layered]


@dataclass(slots=True)
class Outcome:
    """What an invocation came to. `error` is AWS's error document; durations in seconds."""

    result: Any = None
    error: dict[str, Any] | None = None
    log: list[str] = field(default_factory=list)
    duration: float = 0.0
    init_duration: float | None = None
    max_memory_mb: int = 0


class ExecutionEnvironment:
    """One function process. Invocations of one environment must not overlap."""

    def __init__(self, spec: EnvironmentSpec, interpreter: Path) -> None:
        self._spec = spec
        self._interpreter = interpreter
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = -1
        self._pending_log = b""
        self._pending_answer = b""
        self._init_log: list[str] = []

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def invoke(self, event: Any, *, request_id: str, arn: str, trace_id: str | None = None) -> Outcome:
        """Run the handler once, starting the process when there is none."""
        outcome = Outcome()
        if self.pid is None:
            started = time.monotonic()
            problem = self._start()
            if problem is not None:
                self.kill()  # it is leaving by itself, and must not be taken for ready meanwhile
                return Outcome(error=problem, log=self._init_log)
            outcome.init_duration = time.monotonic() - started
            outcome.log += self._init_log
        call = {
            "event": event,
            "request_id": request_id,
            "invoked_function_arn": arn,
            "timeout": self._spec.timeout,
            "trace_id": trace_id,
        }
        began = time.monotonic()
        answer = self._exchange(call, self._spec.timeout, outcome.log)
        outcome.duration = time.monotonic() - began
        if isinstance(answer, dict):
            outcome.max_memory_mb = answer["max_memory_mb"]
            outcome.result = answer.get("result")
            outcome.error = answer.get("error")
            if outcome.error is not None:
                outcome.error = {**outcome.error, "requestId": request_id}
            return outcome
        outcome.error = self._ended(answer, request_id)
        outcome.log.append(f"{_now()} {request_id} {outcome.error['errorMessage'].partition('Error: ')[2]}")
        return outcome

    def kill(self) -> None:
        """End the process at once, as a crash would, and collect it."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def crash(self) -> int | None:
        """SIGKILL the process and leave the rest to whoever waits for it; its id, if there was one."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        return pid

    def close(self) -> None:
        """End the process and release its descriptors."""
        self.kill()
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close_quietly(stream.close)
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1

    def _start(self) -> dict[str, Any] | None:
        self.close()
        self._pending_log = self._pending_answer = b""
        self._init_log = []
        self._answers, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [self._interpreter, "-I", "-u", "-X", "utf8", function_worker.__file__, str(theirs)],
                cwd=self._spec.code,
                env=self._spec.variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
            )
        finally:
            os.close(theirs)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        os.set_blocking(self._answers, False)
        init = {
            "host_pid": os.getpid(),
            "path": self._spec.search_path(),
            "handler": self._spec.handler,
            "function_name": self._spec.function_name,
            "version": self._spec.version,
            "memory": str(self._spec.memory),
        }
        answer = self._exchange(init, INIT_SECONDS * _SLOW_MACHINE, self._init_log)
        if isinstance(answer, dict):
            return answer.get("error")
        return self._ended(answer, "")

    def _ended(self, how: str, request_id: str) -> dict[str, Any]:
        """The error document for a process that did not answer."""
        self.kill()
        if how == "timeout":
            what, kind = f"Task timed out after {self._spec.timeout:.2f} seconds", "Sandbox.Timedout"
        else:
            code = self._process.wait() if self._process is not None else 0
            exit_ = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
            what, kind = f"Runtime exited with error: {exit_}", "Runtime.ExitError"
        return {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {what}"}

    def _exchange(self, message: dict[str, Any], seconds: float, log: list[str]) -> dict[str, Any] | str:
        """Send a line, collect log and answer; `timeout` or `exit` when there is no answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return "exit"
        output = self._process.stdout.fileno()
        open_ = {output, self._answers}
        poller = select.poll()
        for descriptor in open_:
            poller.register(descriptor, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            for descriptor, _ in poller.poll(left * 1000):
                data = _read(descriptor)
                if data == b"":
                    poller.unregister(descriptor)
                    open_.discard(descriptor)
                elif descriptor == output:
                    self._take_log(data or b"", log)
                else:
                    self._pending_answer += data or b""
            if b"\n" in self._pending_answer:
                line, _, self._pending_answer = self._pending_answer.partition(b"\n")
                self._drain(output, log)
                answer: dict[str, Any] = json.loads(line)
                return answer
            if self._answers not in open_:
                self._drain(output, log)
                return "exit"

    def _drain(self, output: int, log: list[str]) -> None:
        """Read what is in the pipe already; the worker wrote all of an invocation's log before its answer."""
        while data := _read(output):
            self._take_log(data, log)

    def _take_log(self, data: bytes, log: list[str]) -> None:
        *lines, self._pending_log = (self._pending_log + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            text, end, _ = text.partition(function_worker.LOG_END)
            if text or not end:
                log.append(text.replace(function_worker.LINE_BREAK, "\n"))


def _read(descriptor: int) -> bytes | None:
    """Bytes, b"" at the end of the file, None when there is nothing now."""
    try:
        return os.read(descriptor, _LOG_READ_BYTES)
    except BlockingIOError:
        return None


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


def _close_quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except OSError:  # a pipe whose other end is gone cannot be flushed; nothing is lost
        return
