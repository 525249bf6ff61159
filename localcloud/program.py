"""Evaluates the project's `__main__.py` through the Pulumi SDK's own runtime, without the CLI.

`record` answers what the program would register; `provision_stack` brings the same registrations about on an AWS
endpoint by boto3. The program is run, not translated: same components, same policies, same archives.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
from pulumi.runtime.mocks import MockEngine
from pulumi.runtime.settings import reset_options

from localcloud import stack_config
from localcloud.graph import UNKNOWN, Packed, ProgramError, RecordedGraph, Registration, Secret, Unknown
from localcloud.monitor import Created, Demand, Monitor, Provider
from localcloud.provision import RECORDED, AwsProvider
from localcloud.provision.calls import answer
from localcloud.provision.plausible import plausible

__all__ = [
    "UNKNOWN",
    "Packed",
    "ProgramError",
    "Provisioned",
    "RecordedGraph",
    "Registration",
    "Secret",
    "Unknown",
    "provision_stack",
    "record",
]

LOCAL_STACK = "local"
DEFAULT_REGION = "us-east-1"
SAMPLE_ACCOUNT = "123456789012"
"""The account number of AWS's own examples."""
SAMPLE_ENDPOINT = "http://127.0.0.1:4566"
"""Where the stack `local` is imagined to run while it is only recorded."""

_WORKERS = 40
"""Registrations in flight: the default of CPUs + 4 serialises a program on a small machine."""

_log = logging.getLogger(__name__)
_one_run = threading.Lock()
"""The working directory, `sys.path` and `sys.modules` belong to the process, so runs take turns."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The result of `provision_stack`.

    `outputs` are the stack's, plain; `recorded` the resource types that were only written down because nothing
    emulates them; `unread` the inputs (`type.path`) that no provisioner passed on and no written reason excuses.
    """

    outputs: dict[str, object]
    recorded: list[str]
    unread: list[str]
    graph: RecordedGraph = field(repr=False)


def project_root() -> Path:
    """The directory of `__main__.py` and `Pulumi.yaml`: beside this package."""
    return Path(__file__).resolve().parent.parent


def record(
    stack: str, *, preview: bool = False, config: Mapping[str, str] | None = None, root: Path | None = None
) -> RecordedGraph:
    """Evaluate the program for `stack` and return what it registers; nothing is created.

    Computed outputs (ARNs, ids, URLs) are plausible and derived from the URN; with `preview` they are unknown, as in
    `pulumi preview`. `config` overrides the stack's files, for example encrypted values. Must not be called from a
    thread with a running event loop. Raises `ProgramError` or `stack_config.StackConfigError`, one sentence each.
    """
    root = root or project_root()
    settings = stack_config.load(root, stack, config)
    if stack == LOCAL_STACK:
        endpoint = f"{settings.project}:endpoint_url"
        settings = settings.with_defaults({"aws:region": DEFAULT_REGION, endpoint: SAMPLE_ENDPOINT})
    provider = _Imagined(SAMPLE_ACCOUNT, settings.values.get("aws:region", DEFAULT_REGION), preview=preview)
    return _evaluate(root, settings, provider, preview=preview)


def provision_stack(
    *,
    stack: str,
    endpoint_url: str,
    region: str,
    account_id: str,
    on_progress: Callable[[int, int | None, str], None],
    root: Path | None = None,
    config: Mapping[str, str] | None = None,
) -> Provisioned:
    """Evaluate the program for `stack` and create every resource at `endpoint_url`, a fresh emulator.

    `on_progress(done, total, detail)` is called once per resource, one call at a time, from worker threads. Blocks;
    must not be called from a thread with a running event loop; changes the working directory while it runs. Raises
    `ProgramError` or `stack_config.StackConfigError`, one sentence each.
    """
    root = root or project_root()
    given = {**(config or {}), "aws:region": region}
    if stack == LOCAL_STACK:
        given[f"{stack_config.project_name(root)}:endpoint_url"] = endpoint_url
    total = sum(item.custom for item in record(stack, config=given, root=root).registrations)
    on_progress(0, total, "")
    progress = _Progress(total, on_progress)
    with AwsProvider(endpoint_url=endpoint_url, region=region, account_id=account_id, on_created=progress) as provider:
        graph = _evaluate(root, stack_config.load(root, stack, given), provider)
    return Provisioned(
        outputs={key: _revealed(value) for key, value in graph.stack_outputs.items()},
        recorded=[type_ for type_ in graph.types() if type_ in RECORDED],
        unread=provider.unread(),
        graph=graph,
    )


class _Imagined:
    """A provider that creates nothing."""

    def __init__(self, account_id: str, region: str, *, preview: bool) -> None:
        self._account_id = account_id
        self._region = region
        self._preview = preview

    def create(self, demand: Demand) -> Created:
        return Created("", {}) if self._preview else plausible(demand, self._account_id, self._region)

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return answer(token, args, self._account_id, self._region)


class _Progress:
    """Counts finished resources."""

    def __init__(self, total: int, report: Callable[[int, int | None, str], None]) -> None:
        self._total = total
        self._report = report
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, demand: Demand) -> None:
        with self._lock:
            self._done += 1
            self._report(self._done, self._total, f"{demand.type.rpartition(':')[2]} {demand.name}")


def _revealed(value: Any) -> object:
    if isinstance(value, Secret):
        return _revealed(value.value)
    if isinstance(value, dict):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    return value


def _evaluate(
    root: Path, settings: stack_config.StackConfig, provider: Provider, *, preview: bool = False
) -> RecordedGraph:
    monitor = Monitor(provider, project=settings.project, stack=settings.stack)
    with _one_run, _at_root(root):
        # Settings, root stack and config are context variables: in a copy, one run leaves nothing to the next.
        contextvars.copy_context().run(_run, root, settings, monitor, preview)
    return monitor.graph()


def _run(root: Path, settings: stack_config.StackConfig, monitor: Monitor, preview: bool) -> None:
    reset_options(
        project=settings.project,
        stack=settings.stack,
        root_directory=str(root),
        monitor_address=monitor,  # type: ignore[arg-type]  # anything but text is taken as the monitor itself
        engine_address=MockEngine(logging.getLogger("localcloud.pulumi")),  # type: ignore[arg-type]
        preview=preview,
        organization="organization",
    )
    pulumi.runtime.set_all_config(dict(settings.values), sorted(settings.secret_keys))
    lost: list[dict[str, Any]] = []
    try:
        asyncio.run(_main(root, lost))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in the program included
        failure = monitor.failure or _program_error(root, error)
        raise failure from (failure.__cause__ or error)
    finally:
        for context in lost:
            _log.debug("beside the first error: %s", context.get("exception") or context.get("message"))
    if monitor.failure is not None:
        raise monitor.failure
    if lost:
        cause = lost[0].get("exception")
        raise _program_error(root, cause) if cause else ProgramError(f"the program failed: {lost[0].get('message')}")


async def _main(root: Path, lost: list[dict[str, Any]]) -> None:
    loop = asyncio.get_running_loop()
    # After a failure each output that nobody awaits would print a traceback of its own.
    loop.set_exception_handler(lambda _, context: lost.append(context))
    executor = ThreadPoolExecutor(_WORKERS, "pulumi")
    loop.set_default_executor(executor)
    try:
        await pulumi.runtime.run_in_stack(lambda: _program(root))
    except BaseException:
        await _abandon()
        raise
    finally:
        executor.shutdown(wait=True)


async def _abandon() -> None:
    """End what a failed run left behind now, so that it reports to the loop's handler and not to stderr later."""
    while pending := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending)
    gc.collect()


def _program(root: Path) -> None:
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")


@contextmanager
def _at_root(root: Path) -> Iterator[None]:
    """Working directory and first import path at the project, as the CLI's language host has them."""
    before = Path.cwd()
    path = list(sys.path)
    os.chdir(root)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)


def _program_error(root: Path, error: BaseException) -> ProgramError:
    """One sentence: what the program said, and where it said it."""
    if isinstance(error, ProgramError):
        return error
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(root, frame.filename)]
    place = f" ({Path(where[-1].filename).relative_to(root)}:{where[-1].lineno})" if where else ""
    text = " ".join(str(error).split())
    builtin = type(error).__module__ == "builtins" and not isinstance(error, SystemExit)
    said = f"{type(error).__name__}: {text}" if builtin else text or type(error).__name__
    return ProgramError(f"the program stopped: {said}{place}")


def _is_ours(root: Path, filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(root) and "site-packages" not in path.parts
