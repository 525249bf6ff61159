"""The process of an embedded cloud: its environment, its start, and its end.

However it ends (a signal, its parent's death, a crash of the program), no process and no directory stays.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud import by_hand, lifetime
from localcloud.clock import Clock
from localcloud.evaluation import Evaluation, EvaluationError, EvaluationRequest
from localcloud.functions import LayerError
from localcloud.profile import CarrierProfile

if TYPE_CHECKING:
    from localcloud.server import Cloud

ACCOUNT_ID = "123456789012"
"""The account number of AWS's own examples; as an access key it is the account's root to ministack."""
SECRET_ACCESS_KEY = "local"  # noqa: S105  # a root key's signature is not checked
REGION = "us-east-1"

_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TERM", "USER", "VIRTUAL_ENV")
_BARE_PACKAGES = ("ministack", "hypercorn", "cryptography")
_PACKAGES = (*_BARE_PACKAGES, "pulumi", "pulumi_aws")
_LAST_RESORT_SECONDS = 4.0
_LOG_BYTES = 2_000_000
_YOUNG_OBJECTS = 50_000
"""Allocated between two looks for garbage; Python's own 700 are meant for heaps of a script's size."""

_log = logging.getLogger(__name__)


class StartError(RuntimeError):
    """The cloud cannot start, or the program fails; the message is one sentence."""


class UnusableError(StartError):
    """What the caller asked for cannot be had: a port, a file, a stack; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """How to run. `port` 0 takes any free one; without `outputs` the outputs file lies in the state directory."""

    port: int = 0
    outputs: Path | None = None
    stack: str = "local"
    profile: CarrierProfile = field(default_factory=CarrierProfile)
    speed: float = 1.0
    provision: bool = True
    stop_with_parent: bool = False
    region: str = REGION
    account_id: str = ACCOUNT_ID


OnEvent = Callable[[dict[str, Any]], None]


def run(options: HostOptions, on_event: OnEvent) -> None:
    """Run a cloud until it is told to stop; raises `StartError`.

    `on_event` gets the events that `python -m localcloud --json` prints, but no `error`: that is the exception.
    """
    for package in _PACKAGES if options.provision else _BARE_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise UnusableError(f"the package {package} is not installed; run: pip install -e '.[local]'")
    try:
        state = lifetime.create()
    except lifetime.StateError as error:
        raise UnusableError(str(error)) from error
    try:
        with _listen(options.port) as listener:
            port = int(listener.getsockname()[1])
            prepare_environment(state.path, port, options)
            asyncio.run(_Host(options, on_event, state.path, listener, port).run())
    finally:
        state.release()


def prepare_environment(state: Path, port: int, options: HostOptions) -> None:
    """Leave of this process's environment what a process needs, and add ministack's settings, before its import."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    scratch = state / "tmp"
    scratch.mkdir()
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        DOCKER_HOST=f"unix://{state}/no-docker",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        LAMBDA_WARM_TTL_SECONDS="60",
        LOG_LEVEL="WARNING",
        MINISTACK_ACCOUNT_ID=options.account_id,
        MINISTACK_REGION=options.region,
        SFTP_ENABLED="0",
        STATE_DIR=str(state / "state"),
        TMPDIR=str(scratch),
    )
    tempfile.tempdir = None  # read TMPDIR anew
    handler = logging.handlers.RotatingFileHandler(state / "cloud.log", maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        raise UnusableError(
            f"cannot listen on 127.0.0.1:{port} ({reason}); choose another --port, or 0 for any"
        ) from error
    return listener


class _Host:
    """One run, from the listening socket to the last clean-up."""

    def __init__(
        self, options: HostOptions, on_event: OnEvent, state: Path, listener: socket.socket, port: int
    ) -> None:
        self._options = options
        self._on_event = on_event
        self._state = state
        self._listener = listener
        self._endpoint = f"http://127.0.0.1:{port}"
        self._clock = Clock(options.speed)
        self._started = time.monotonic()
        self._recorded: list[str] = []
        self._stop = asyncio.Event()

    async def run(self) -> None:
        gc.set_threshold(_YOUNG_OBJECTS)
        self._heed_signals()
        self._progress("start", 0, None, "starting the embedded cloud")
        evaluation = await self._start_evaluation() if self._options.provision else None
        from localcloud import bends
        from localcloud.server import Cloud

        try:
            bends.check()
        except bends.WrongEmulatorError as error:
            raise UnusableError(str(error)) from error
        cloud = Cloud(
            state=self._state,
            endpoint_url=self._endpoint,
            account_id=self._options.account_id,
            region=self._options.region,
            clock=self._clock,
            profile=self._options.profile,
            status=self._status,
        )
        serving = asyncio.create_task(self._serve(cloud))
        try:
            await self._until_stop(self._get_ready(cloud, evaluation), serving)
            await self._until_stop(self._stop.wait(), serving)
        finally:
            self._force_later()
            if evaluation is not None:
                await evaluation.stop()
            await cloud.stop()
            self._stop.set()
            await asyncio.gather(serving, return_exceptions=True)

    async def _start_evaluation(self) -> Evaluation:
        request = EvaluationRequest(
            stack=self._options.stack,
            endpoint_url=self._endpoint,
            region=self._options.region,
            account_id=self._options.account_id,
        )
        environment = {name: os.environ[name] for name in (*_KEPT_VARIABLES, "TMPDIR") if name in os.environ}
        with (self._state / "evaluation.log").open("wb") as log:
            return await Evaluation.start(request, environment, log)

    async def _serve(self, cloud: Cloud) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        config = Config()
        # hypercorn closes the socket it adopts, and the listener here is closed by its owner.
        config.bind = [f"fd://{os.dup(self._listener.fileno())}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 0.5
        config.errorlog = logging.getLogger("localcloud.server")
        await serve(cloud, config, shutdown_trigger=self._stop.wait)  # type: ignore[arg-type]

    async def _until_stop(self, work: Any, serving: asyncio.Task[None]) -> None:
        """Do `work`, or leave it when the cloud is told to stop; a server that fails ends everything."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            done, _ = await asyncio.wait({task, stop, serving}, return_when=asyncio.FIRST_COMPLETED)
            if task in done:
                task.result()
            elif serving in done:
                serving.result()
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _get_ready(self, cloud: Cloud, evaluation: Evaluation | None) -> None:
        root = Path(__file__).resolve().parent.parent
        try:
            await cloud.start(root / "requirements" / "lambda.txt")
        except LayerError as error:
            raise UnusableError(str(error)) from error
        await cloud.started.wait()
        self._progress("start", 1, 1, "the embedded cloud answers")
        outputs: dict[str, Any] = {}
        if evaluation is not None:
            try:
                done = await evaluation.finish(lambda done, total, text: self._progress("provision", done, total, text))
            except EvaluationError as error:
                raise (UnusableError if error.unusable else StartError)(str(error)) from error
            outputs, self._recorded = done.outputs, done.recorded
            by_hand.do(outputs, cloud.carriers)
        outputs_file = self._write_outputs(outputs)
        gc.freeze()  # what is there by now stays to the end
        self._on_event(
            {
                "event": "ready",
                "endpoint_url": self._endpoint,
                "outputs_file": str(outputs_file),
                "region": self._options.region,
                "access_key_id": self._options.account_id,
                "secret_access_key": SECRET_ACCESS_KEY,
                "recorded": self._recorded,
            }
        )

    def _write_outputs(self, outputs: dict[str, Any]) -> Path:
        path = (self._options.outputs or self._state / "outputs.json").absolute()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, 0o600)
                json.dump(outputs, file, indent=2, sort_keys=True)
                file.write("\n")
        except OSError as error:
            raise UnusableError(f"cannot write the outputs to {path} ({(error.strerror or '').lower()})") from error
        return path

    def _status(self) -> dict[str, Any]:
        return {
            "stack": self._options.stack if self._options.provision else None,
            "region": self._options.region,
            "account_id": self._options.account_id,
            "uptime_s": round(time.monotonic() - self._started, 3),
            "speed": self._clock.speed,
            "clock_offset_s": round(self._clock.offset(), 3),
            "recorded": self._recorded,
        }

    def _progress(self, stage: str, done: int, total: int | None, detail: str) -> None:
        self._on_event({"event": "progress", "stage": stage, "done": done, "total": total, "detail": detail})

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        if self._options.stop_with_parent:
            lifetime.when_parent_leaves(loop.call_soon_threadsafe, self._stop.set)

    def _force_later(self) -> None:
        """A part that does not stop must not keep the rest alive: function processes see this one leave."""
        state = self._state

        def leave() -> None:
            time.sleep(_LAST_RESORT_SECONDS)
            shutil.rmtree(state, ignore_errors=True)
            os._exit(1)

        threading.Thread(target=leave, name="last-resort", daemon=True).start()
        # Connections that are open at the end are cancelled, which is no news.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
