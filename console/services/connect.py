"""From options to a connection: which stack, where its outputs are, with which credentials of which account."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from console.clock import SystemClock
from console.domain import ConsoleError, ProblemKind
from console.services import outputs as reading
from console.services.embedded import EmbeddedCloud, require_local_extra
from console.services.errors import caller_of, classify
from console.sources.api import HttpCampaignApi
from console.sources.aws import AwsSource
from console.sources.base import Connection, Progress
from console.sources.clients import Clients, Target, local_target, require_loopback
from console.sources.faults import FaultPlan, parse_faults
from console.sources.intercept import intercepted
from console.sources.queues import SqsLetters
from console.sources.records import AwsRecords
from console.sources.sessions import AwsSessions
from console.sources.telemetry import AwsTelemetry
from console.text import safe_line
from lambdas.core.outputs import StackOutputs

LOCAL_PROJECT = "ai-cpaas-demo"
LOCAL_STACK = "local"
STATUS_SECONDS = 3.0
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Options:
    """How the stack was named on the command line: exactly one of the first four and `replay` is given.

    `record` is a new file for what the stack answers, `replay` one to answer from. `faults` are put between console
    and stack, for those who work on the console (`console/sources/faults.py`).
    """

    local: bool = False
    stack: str | None = None
    outputs: Path | None = None
    endpoint_url: str | None = None
    project: str | None = None
    region: str | None = None
    profile: str | None = None
    directory: Path = Path()
    faults: str = ""
    record: Path | None = None
    replay: Path | None = None
    replay_at_end: bool = False

    def title(self) -> str:
        """What is connected to, for people."""
        if self.replay is not None:
            return f"the recording {self.replay}"
        if self.local:
            return "an embedded cloud"
        if self.outputs is not None:
            return f"the stack of {self.outputs}"
        return f"the stack {self.stack}" if self.stack else f"the embedded cloud at {self.endpoint_url}"


def check(options: Options) -> None:
    """What can be refused before anything is started; raises `ConsoleError`."""
    names = (options.stack, options.outputs, options.endpoint_url, options.replay)
    ways = (options.local, *(name is not None for name in names))
    if sum(ways) != 1:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            "no stack is named" if not any(ways) else "the stack is named in more than one way",
            "give exactly one of --local, --stack NAME, --outputs FILE, --endpoint-url URL, --replay FILE",
        )
    if options.local:
        require_local_extra()
    if options.endpoint_url is not None:
        require_loopback(options.endpoint_url)
    if options.stack is not None and reading.require_name(options.stack, "stack") == LOCAL_STACK:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            "the stack local is embedded, AWS does not know it",
            "start one with --local, or name a running one by --endpoint-url URL",
        )
    if options.project is not None:
        reading.require_name(options.project, "project")
    if options.outputs is not None:
        reading.read_file(options.outputs)
    if options.faults:
        parse_faults(options.faults)
    if options.record is not None and options.replay is not None:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, "a replay is not recorded again", f"copy {safe_line(options.replay, 200)} instead"
        )


def connect(options: Options, progress: Progress) -> Connection:
    """Find and open the stack; blocks. Raises `ConsoleError`, or what botocore raises."""
    check(options)
    opened = _found(options, progress)
    if options.faults:
        opened = intercepted(opened, FaultPlan(*parse_faults(options.faults)))
    return opened if options.record is None else _recorded(opened, options.record)


def _recorded(opened: Connection, path: Path) -> Connection:
    from console.sources.codec import PORTS
    from console.sources.recording import Recorder

    try:
        recorder = Recorder(path, opened.outputs, SystemClock(), partial(classify, caller=caller_of(opened)))
    except BaseException:
        opened.close()
        raise

    def close() -> None:
        recorder.close()
        opened.close()

    return replace(intercepted(opened, recorder, tuple(PORTS)), close=close, note=recorder.note)


def _found(options: Options, progress: Progress) -> Connection:
    if options.replay is not None:
        from console.sources.replay import open_recording

        progress(f"reading {options.replay}")
        return open_recording(options.replay, at_end=options.replay_at_end)
    if options.local:
        return _start_local(progress)
    if options.outputs is not None:
        found = reading.read_file(options.outputs)
        return _open(found, _clients_for(found, options), progress)
    if options.endpoint_url is not None:
        return _attach(options.endpoint_url, options, progress)
    return _deployed(options, progress)


def _start_local(progress: Progress) -> Connection:
    cloud = EmbeddedCloud()
    ready = cloud.start(progress)
    try:
        found = reading.read_file(ready.outputs_file)
        clients = Clients(local_target(ready.endpoint_url, found.identity.account_id, found.identity.region))
        opened = _open(found, clients, progress)
    except BaseException:
        cloud.stop()
        raise
    return replace(opened, close=cloud.stop)


def _attach(endpoint_url: str, options: Options, progress: Progress) -> Connection:
    url = require_loopback(endpoint_url)
    progress(f"asking {url} what it is")
    status = _status(url)
    region = options.region or str(status.get("region", DEFAULT_REGION))
    clients = Clients(local_target(url, str(status.get("account_id", "")), region))
    progress("reading the stack's outputs from SSM")
    found = reading.read_ssm(clients, options.project or LOCAL_PROJECT, str(status.get("stack", LOCAL_STACK)))
    return _open(found, clients, progress)


def _status(url: str) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_cpaas/status", timeout=STATUS_SECONDS) as answer:
            document = json.load(answer)
    except (OSError, ValueError) as error:
        why = safe_line(getattr(error, "reason", error), 120)
        raise ConsoleError(
            ProblemKind.UNREACHABLE,
            f"no embedded cloud answers at {url} ({why})",
            "start one with `cpaas-local`, or use --local",
        ) from error
    if not isinstance(document, dict):
        raise ConsoleError(ProblemKind.BAD_ANSWER, f"what answers at {url} is no embedded cloud", "use --local")
    return document


def _deployed(options: Options, progress: Progress) -> Connection:
    assert options.stack is not None
    project = options.project or reading.project_here(options.directory)
    if project is None:
        progress("asking the Pulumi CLI")
        found = reading.read_pulumi(options.stack, options.directory)
        return _open(found, _clients_for(found, options), progress)
    region = options.region or _environment_region()
    clients = Clients(Target(region=region, profile=options.profile))
    progress(f"reading the outputs of {project}/{options.stack} from SSM in {region}")
    found = reading.read_ssm(clients, project, options.stack)
    if found.identity.environment == LOCAL_STACK:
        raise ConsoleError(
            ProblemKind.BAD_ANSWER,
            f"the outputs of {project}/{options.stack} in AWS say that its environment is local",
            "an embedded stack is named by --local or --endpoint-url",
        )
    return _open(found, clients, progress)


def _environment_region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def _clients_for(found: StackOutputs, options: Options) -> Clients:
    identity = found.identity
    if identity.environment == LOCAL_STACK:
        return Clients(local_target(identity.endpoint_url, identity.account_id, identity.region))
    return Clients(Target(region=options.region or identity.region, profile=options.profile))


def _open(found: StackOutputs, clients: Clients, progress: Progress) -> Connection:
    _require_region(found, clients)
    progress(f"checking the account of {found.identity.project}/{found.identity.stack}")
    clients.guard(found.identity.stack, found.identity.account_id)
    source = AwsSource(found, clients)
    return Connection(
        found,
        source,
        AwsTelemetry(found, clients),
        AwsRecords(found, clients, source.campaign),
        AwsSessions(found, clients),
        HttpCampaignApi(found.campaigns.api_url, found.identity.environment, clients),
        clients,
        letters=partial(SqsLetters, clients),
        usage=clients.usage,
    )


def _require_region(found: StackOutputs, clients: Clients) -> None:
    """Refuse to look for a stack where it is not: everything would seem empty or missing."""
    region, asked = found.identity.region, clients.target.region
    if asked != region:
        raise ConsoleError(
            ProblemKind.WRONG_REGION,
            f"the stack {found.identity.stack} is in {region}, not in {safe_line(asked, 40)}",
            f"leave --region out, or give --region {region}",
        )
