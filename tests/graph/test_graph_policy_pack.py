"""The policy pack as the Pulumi engine runs it: a process of its own that is asked over gRPC about a whole stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from localcloud import resource_types as types
from localcloud.graph import Packed, RecordedGraph, Registration, Secret, Unknown
from localcloud.policies import RULES

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "localcloud" / "policies" / "pack"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends for a text that only a deployment can tell (pulumi, sdk/go/common/resource/plugin)."""


@pytest.fixture(scope="module")
def analyzer() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The pack's process, started by the SDK's own entry point, and a connection to it."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PACK,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_send_message_length", 64 * 1024 * 1024)]
        ) as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


def sent(value: Any) -> Any:
    """A recorded value as the engine sends it to a pack: no secrets, no archives, a marker for what is unknown."""
    if isinstance(value, Secret):
        return sent(value.value)
    if isinstance(value, dict):
        return {key: sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sent(item) for item in value]
    if isinstance(value, Packed):
        return None
    return UNKNOWN_TEXT if isinstance(value, Unknown) else value


def resource(item: Registration) -> analyzer_pb2.AnalyzerResource:
    """One registration as the engine hands it over: properties are outputs."""
    properties = struct_pb2.Struct()
    properties.update(sent(dict(item.outputs) or dict(item.inputs)))
    return analyzer_pb2.AnalyzerResource(
        type=item.type,
        urn=item.urn,
        name=item.name,
        properties=properties,
        options=analyzer_pb2.AnalyzerResourceOptions(protect=item.protect),
        parent=item.parent,
        dependencies=item.dependencies,
        propertyDependencies={
            name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for name, urns in item.property_dependencies.items()
        },
    )


def diagnostics(analyzer: Any, graph: RecordedGraph, **spoilt: Any) -> list[tuple[str, str]]:
    """(policy, URN's name) of all that the pack reports; `spoilt` is set on every queue."""
    resources = []
    for item in graph.registrations:
        if item.type.startswith("pulumi:providers:"):
            continue
        sending = resource(item)
        if item.type == types.QUEUE:
            sending.properties.update(spoilt)
        resources.append(sending)
    answer = analyzer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
    return sorted((each.policyName, each.urn.rpartition("::")[2]) for each in answer.diagnostics)


def test_the_pack_knows_every_rule(analyzer: Any) -> None:
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    assert {policy.name for policy in info.policies} == set(RULES)
    mandatory = {policy.name for policy in info.policies if policy.enforcementLevel == analyzer_pb2.MANDATORY}
    assert mandatory == {name for name, rule in RULES.items() if rule.severity == "mandatory"}


@pytest.mark.parametrize("preview", [False, True])
def test_the_pack_finds_nothing_in_the_program(analyzer: Any, evaluate: Any, preview: bool) -> None:
    assert diagnostics(analyzer, evaluate("prod", preview=preview)) == []


def test_the_pack_finds_what_the_rules_find(analyzer: Any, evaluate: Any) -> None:
    graph: RecordedGraph = evaluate("prod")
    queues = sorted(item.name for item in graph.of_type(types.QUEUE))
    found = diagnostics(analyzer, graph, kmsMasterKeyId="", tags={"Project": "x"})
    assert found == [("queue-encrypted", name) for name in queues] + [("tags", name) for name in queues]


def test_the_pack_loads_neither_the_embedded_cloud_nor_the_provider() -> None:
    code = f"import json, runpy, sys; runpy.run_path({str(PACK)!r}); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert "pulumi_policy" in loaded
    assert not loaded & {"ministack", "boto3", "botocore", "pulumi_aws", "hypercorn"}
