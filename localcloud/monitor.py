"""A resource monitor in this process: the Pulumi engine's end of the conversation, for a first deployment.

Everything here that is not public in the Pulumi SDK is pinned by tests/unit/localcloud/test_program.py.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pulumi
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.output import Unknown as SdkUnknown
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

from localcloud.graph import UNKNOWN, Packed, ProgramError, RecordedGraph, Registration, Secret

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Created:
    """What a provider answers for one resource: its id and the outputs that are not inputs."""

    id: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demand:
    """One resource to bring about: `inputs` are plain values, archives still live, secrets in the clear."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    provider: str = ""
    """URN of an explicit provider, or empty."""


class Provider(Protocol):
    """What stands behind the monitor: creates resources and answers data sources."""

    def create(self, demand: Demand) -> Created:
        """Bring one resource about; any exception is reported with the resource's name."""

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one data source call with camelCase keys."""


class Monitor(MockMonitor):
    """Records each registration of a run and asks `provider` for its outputs."""

    def __init__(self, provider: Provider, *, project: str, stack: str) -> None:
        super().__init__(mocks=None)  # type: ignore[arg-type]  # all that would ask them is replaced
        self._provider = provider
        self._project = project
        self._stack = stack
        self._prefix = _prefix(stack, project)
        self._lock = threading.Lock()
        self._registrations: dict[str, Registration] = {}
        self._late_outputs: dict[str, dict[str, Any]] = {}
        self.failure: ProgramError | None = None
        """The first failure of a resource or data source in this run."""

    def graph(self) -> RecordedGraph:
        """Everything registered so far."""
        complete = (
            replace(item, outputs=self._late_outputs.get(urn, item.outputs))
            for urn, item in sorted(self._registrations.items())
        )
        root = next((urn for urn, item in self._registrations.items() if item.type == STACK_TYPE), "")
        return RecordedGraph(tuple(complete), self._late_outputs.get(root, {}))

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine builds it: the whole chain of parent types, without the stack's own."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in ("", STACK_TYPE) else f"{chain}${type_}"
        return f"{self._prefix}{qualified}::{name}"

    def GetDeploymentInfo(self, request: Any) -> Any:
        """What this monitor supports: a resource passed as an input arrives as its id, as providers see it."""
        info = super().GetDeploymentInfo(request)  # type: ignore[no-untyped-call]
        kept = [
            item for item in info.supportedFeatures if item != resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES
        ]
        return resource_pb2.DeploymentInfo(supportedFeatures=kept)

    def RegisterResource(self, request: Any) -> Any:
        """Answer a `new` of a resource or component."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        self._add(urn, request, inputs, custom=request.custom)
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        created = self._create(urn, request, inputs)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=created.id, object=_overlaid(request.object, created))

    def ReadResource(self, request: Any) -> Any:
        """Answer a `.get()`: recorded as external, its properties are those asked with."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = rpc.deserialize_properties(request.properties, keep_unknowns=True)
        self._add(urn, request, inputs, custom=True, external=True)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep what a component, or the stack, says its outputs are."""
        outputs = plain_mapping(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        with self._lock:
            self._late_outputs[request.urn] = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:
        """Answer a data source."""
        args = _bare(rpc.deserialize_properties(request.args, keep_unknowns=True))
        with self._reporting(f"the data source {request.tok}"):
            answer = struct_pb2.Struct()
            answer.update(dict(self._provider.call(request.tok, args)))
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def _add(self, urn: str, request: Any, inputs: dict[str, Any], *, custom: bool, external: bool = False) -> None:
        with self._reporting(f"{request.type} {request.name!r}"):
            registration = Registration(
                urn=urn,
                type=request.type,
                name=request.name,
                custom=custom,
                parent=request.parent,
                dependencies=tuple(sorted(request.dependencies)),
                property_dependencies={} if external else _by_property(request.propertyDependencies),
                protect=not external and request.protect,
                aliases=() if external else tuple(self._aliases(request)),
                inputs=plain_mapping(inputs),
                outputs={},
                id=request.id if external else request.importId,
                external=external,
            )
            with self._lock:
                if urn in self._registrations:
                    raise ProgramError("it is registered twice; give one of the two another name or parent")
                self._registrations[urn] = registration

    def _create(self, urn: str, request: Any, inputs: dict[str, Any]) -> Created:
        with self._reporting(f"{request.type} {request.name!r}"):
            provider_urn = request.provider.rpartition("::")[0]
            created = self._provider.create(Demand(urn, request.type, request.name, _bare(inputs), provider_urn))
        with self._lock:
            known = self._registrations[urn]
            outputs = plain_mapping({**inputs, **created.outputs})
            self._registrations[urn] = replace(known, id=created.id, outputs=outputs)
        return created

    def _aliases(self, request: Any) -> Iterator[str]:
        yield from request.aliasURNs
        for alias in request.aliases:
            if alias.WhichOneof("alias") == "urn":
                yield alias.urn
                continue
            spec = alias.spec
            kind = spec.WhichOneof("parent")
            parent = spec.parentUrn if kind == "parentUrn" else "" if kind == "noParent" else request.parent
            urn = self.make_urn(parent, spec.type or request.type, spec.name or request.name)
            prefix = _prefix(spec.stack or self._stack, spec.project or self._project)
            yield prefix + urn.removeprefix(self._prefix)

    def _reporting(self, subject: str) -> _Reporting:
        return _Reporting(self, subject)


def _by_property(dependencies: Any) -> dict[str, tuple[str, ...]]:
    return {key: tuple(sorted(value.urns)) for key, value in sorted(dependencies.items()) if value.urns}


def _prefix(stack: str, project: str) -> str:
    return f"urn:pulumi:{stack}::{project}::"


class _Reporting:
    """Turns any exception into a `ProgramError` that names its subject, and keeps the first on the monitor."""

    def __init__(self, monitor: Monitor, subject: str) -> None:
        self._monitor = monitor
        self._subject = subject

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, Exception):
            return
        text = str(error) if isinstance(error, ProgramError) else f"{type(error).__name__}: {error}"
        failure = ProgramError(f"{self._subject}: {' '.join(text.split())}")
        failure.__cause__ = error
        with self._monitor._lock:
            if self._monitor.failure is None:
                self._monitor.failure = failure
        raise failure from error


def _overlaid(properties: Any, created: Created) -> Any:
    answer = struct_pb2.Struct()
    answer.CopyFrom(properties)
    answer.update(dict(created.outputs))
    return answer


def _bare(value: Any) -> Any:
    """Provider's view: secrets in the clear, integral floats as ints, unknowns and archives as they are."""
    return _walk(value, secret=lambda inner: inner, archive=lambda item: item)


def plain_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """Reader's view of wire properties: comparable plain Python, secrets marked."""
    return {key: _walk(item, secret=Secret, archive=digest) for key, item in sorted(value.items())}


def _walk(value: Any, *, secret: Callable[[Any], Any], archive: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        if rpc.is_rpc_secret(value):
            return secret(_walk(rpc.unwrap_rpc_secret(value), secret=secret, archive=archive))
        return {key: _walk(item, secret=secret, archive=archive) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_walk(item, secret=secret, archive=archive) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (pulumi.Asset, pulumi.Archive)):
        return archive(value)
    if isinstance(value, SdkUnknown):
        return UNKNOWN
    return value


def digest(archive: Any) -> Packed:
    """The comparable form of an asset or archive."""
    return Packed(tuple((name, hashlib.sha256(data).hexdigest()) for name, data in sorted(contents(archive).items())))


def contents(archive: Any, prefix: str = "") -> dict[str, bytes]:
    """Path -> bytes of every file in an asset or archive; paths are relative to the working directory.

    A single asset (or a ready-made zip file) has the path `prefix`, or its own file name where that is empty.
    """
    if isinstance(archive, pulumi.AssetArchive):
        files: dict[str, bytes] = {}
        for name, item in archive.assets.items():
            files |= contents(item, f"{prefix}/{name}" if prefix else name)
        return files
    if isinstance(archive, pulumi.StringAsset):
        return {prefix: archive.text.encode()}
    if isinstance(archive, (pulumi.FileAsset, pulumi.FileArchive)):
        path = Path(str(archive.path))
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.is_file())
            start = f"{prefix}/" if prefix else ""
            return {start + item.relative_to(path).as_posix(): item.read_bytes() for item in inside}
        if not path.is_file():
            raise ProgramError(f"{path} does not exist; build it first (make build)")
        return {prefix or path.name: path.read_bytes()}
    raise ProgramError(f"{type(archive).__name__} would have to be downloaded; pack a file of this machine instead")
