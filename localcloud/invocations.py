"""Lambda invocations inside ministack, run by our own execution environments instead of its workers."""

from __future__ import annotations

import datetime
import json
import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.functions import ArchiveStore, EnvironmentSpec, ExecutionEnvironment, Outcome
from localcloud.logs import LogPlane

RESERVED_VARIABLES = frozenset(lambda_runtime._RESERVED_RUNTIME_ENV_VARS)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One finished invocation, for metrics and meters. `duration_ms` as in the REPORT line; `queue_messages` is how
    many messages of a queue it was given."""

    function_name: str
    duration_ms: float
    error: bool
    memory_mb: int = 128
    queue_messages: int = 0


OnInvocation = Callable[[Invocation], None]


class FunctionHost:
    """Runs functions: at most `width` at a time each, further callers wait as they would for capacity."""

    def __init__(
        self, *, interpreter: Path, archives: ArchiveStore, scratch: Path, endpoint_url: str, logs: LogPlane
    ) -> None:
        self.interpreter = interpreter
        self.archives = archives
        self.scratch = scratch
        self.endpoint_url = endpoint_url
        self._logs = logs
        self._stopping = False
        self._observers: list[OnInvocation] = []
        self.width = 4 * (os.cpu_count() or 1)
        self._turns: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(self.width)
        )

    def install(self) -> None:
        """Take the place of ministack's warm workers and its log capture."""
        host = self

        class HostedWorker(_HostedWorker):
            function_host = host

        lambda_runtime._worker_class_for = lambda config: HostedWorker
        lambda_svc._execute_function_warm = self.execute
        lambda_svc._emit_lambda_logs = lambda *args, **kwargs: None

    def subscribe(self, observer: OnInvocation) -> None:
        """Call `observer` after every invocation, in the thread that ran it."""
        self._observers.append(observer)

    def execute(self, func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """One invocation for ministack: `body` (result or error document), `error`, `log`."""
        config = func.get("config") or func
        code = func.get("code_zip")
        if not code:
            return {
                "body": _document("Runtime.InvalidEntrypoint", "the function has no code"),
                "error": True,
                "log": "",
            }
        name = config["FunctionName"]
        lambda_svc._ensure_reaper_thread()
        with self._turns[config["FunctionArn"]]:
            if self._stopping:
                return {"body": _document("ServiceException", "the cloud is stopping"), "error": True, "log": ""}
            worker, _ = lambda_runtime.acquire_worker(name, config, code, qualifier=config.get("Version", "$LATEST"))
            try:
                outcome = worker.run(event, request_id)
            finally:
                lambda_runtime.release_worker(worker)
        text = "\n".join(self._write_log(config, worker.log_stream, request_id, outcome))
        memory_mb = int(config.get("MemorySize", 128))
        done = Invocation(name, outcome.duration * 1000, outcome.error is not None, memory_mb, _queue_messages(event))
        for observer in self._observers:
            observer(done)
        if outcome.error is not None:
            return {"body": outcome.error, "error": True, "log": text}
        return {"body": outcome.result, "log": text}

    def crash(self, function_name: str) -> list[int]:
        """SIGKILL the processes of a function, as a crash would; the pids killed."""
        with lambda_runtime._lock:
            workers = [
                worker
                for key, pool in lambda_runtime._workers.items()
                if key.split(":")[2] == function_name
                for worker in pool
            ]
        environments = [worker.environment for worker in workers if worker.environment is not None]
        killed = [environment.crash() for environment in environments]
        return [pid for pid in killed if pid is not None]

    def stop(self) -> None:
        """End every function process; whoever still waits for a turn gets an error instead of a new one."""
        self._stopping = True
        lambda_runtime.reset()

    def _write_log(self, config: dict[str, Any], stream: str, request_id: str, outcome: Outcome) -> list[str]:
        settings = config.get("LoggingConfig") or {}
        group = settings.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        as_json = settings.get("LogFormat") == "JSON"
        frame = _json_frame if as_json else _text_frame
        before, after = frame(config, request_id, outcome)
        lines = [*before, *outcome.log, *after]
        self._logs.write(group, stream, lines)
        return lines


class _HostedWorker(lambda_runtime.Worker):  # type: ignore[misc]  # ministack is untyped
    """A member of ministack's pool that owns one of our execution environments instead of its process."""

    function_host: FunctionHost

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        super().__init__(func_name, config, code_zip)
        today = datetime.datetime.now(datetime.UTC)
        version = config.get("Version", "$LATEST")
        self.log_stream = f"{today:%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"
        self.environment: ExecutionEnvironment | None = None

    def run(self, event: Any, request_id: str) -> Outcome:
        """One invocation."""
        with self._lock:
            if self.environment is None:
                self.environment = ExecutionEnvironment(self._describe(), self.function_host.interpreter)
            return self.environment.invoke(
                event,
                request_id=request_id,
                arn=self.config.get("FunctionArn", ""),
                trace_id=lambda_svc._xray_trace_id_for_invocation(self.config),
            )

    def _discard_tmpdir(self) -> None:
        """End the environment: ministack's last step for a worker it drops."""
        if self.environment is None:
            return
        self.environment.kill()
        with self._lock:
            self.environment.close()

    def _describe(self) -> EnvironmentSpec:
        config, host = self.config, self.function_host
        layers = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers") or ()]
        code = host.archives.unpack(self.code_zip)
        scratch = host.scratch / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        return EnvironmentSpec(
            function_name=config["FunctionName"],
            version=config.get("Version", "$LATEST"),
            handler=config.get("Handler", "index.handler"),
            memory=int(config.get("MemorySize", 128)),
            timeout=float(config.get("Timeout", 3)),
            code=code,
            layers=[host.archives.unpack(layer) for layer in layers if layer],
            variables=self._variables(code, scratch),
        )

    def _variables(self, code: Path, scratch: Path) -> dict[str, str]:
        """The environment as on AWS (Lambda developer guide, "Defined runtime environment variables")."""
        config = self.config
        region = config["FunctionArn"].split(":")[3]
        logging_ = config.get("LoggingConfig") or {}
        own = {
            name: value
            for name, value in (config.get("Environment") or {}).get("Variables", {}).items()
            if name not in RESERVED_VARIABLES
        }
        given = {
            "_HANDLER": config.get("Handler", ""),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": logging_.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "LAMBDA_TASK_ROOT": str(code),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": str(scratch),
            "TZ": ":UTC",
            **lambda_runtime.execution_credentials(config),
        }
        if logging_.get("LogFormat"):
            given["AWS_LAMBDA_LOG_FORMAT"] = logging_["LogFormat"]
        if logging_.get("ApplicationLogLevel"):
            given["AWS_LAMBDA_LOG_LEVEL"] = logging_["ApplicationLogLevel"]
        # A function on AWS has neither: they lead its clients to this cloud, so its own settings may override them.
        local = {"AWS_ENDPOINT_URL": self.function_host.endpoint_url, "AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}
        return {**local, **own, **given}


def _queue_messages(event: Any) -> int:
    records = event.get("Records") if isinstance(event, dict) else None
    listed = records if isinstance(records, list) else []
    return sum(isinstance(each, dict) and each.get("eventSource") == "aws:sqs" for each in listed)


def _document(kind: str, message: str) -> dict[str, Any]:
    return {"errorType": kind, "errorMessage": message}


def _text_frame(config: dict[str, Any], request_id: str, outcome: Outcome) -> tuple[list[str], list[str]]:
    """The platform's lines around a function's own."""
    duration = outcome.duration * 1000
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {_billed(outcome)} ms\t"
        f"Memory Size: {config.get('MemorySize', 128)} MB\tMax Memory Used: {outcome.max_memory_mb} MB"
    )
    if outcome.init_duration is not None:
        report += f"\tInit Duration: {outcome.init_duration * 1000:.2f} ms"
    start = f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"
    return [start], [f"END RequestId: {request_id}", report]


def _json_frame(config: dict[str, Any], request_id: str, outcome: Outcome) -> tuple[list[str], list[str]]:
    """The platform's events in the JSON log format; the system log level WARN leaves them out."""
    if (config.get("LoggingConfig") or {}).get("SystemLogLevel") == "WARN":
        return [], []
    metrics: dict[str, Any] = {
        "durationMs": round(outcome.duration * 1000, 3),
        "billedDurationMs": _billed(outcome),
        "memorySizeMB": int(config.get("MemorySize", 128)),
        "maxMemoryUsedMB": outcome.max_memory_mb,
    }
    if outcome.init_duration is not None:
        metrics["initDurationMs"] = round(outcome.init_duration * 1000, 3)
    status = "success" if outcome.error is None else "error"
    start = {"requestId": request_id, "version": config.get("Version", "$LATEST")}
    report = {"requestId": request_id, "status": status, "metrics": metrics}
    return [_platform("platform.start", start)], [_platform("platform.report", report)]


def _platform(type_: str, record: dict[str, Any]) -> str:
    now = datetime.datetime.now(datetime.UTC)
    return json.dumps(
        {"time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z", "type": type_, "record": record}
    )


def _billed(outcome: Outcome) -> int:
    """Whole milliseconds, the init phase included (billed for every function since 2025-08)."""
    seconds = outcome.duration + (outcome.init_duration or 0.0)
    return -int(-seconds * 1000 // 1)
