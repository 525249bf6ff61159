"""Evaluating a Pulumi program without the CLI."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi.runtime import rpc, settings
from pulumi.runtime.mocks import MockEngine, MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack

from localcloud.program import UNKNOWN, ProgramError, Secret, provision_stack, record

HEAD = "import json, pulumi, pulumi_aws as aws\n"

Write = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path) -> Write:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {shop:size: 3, aws:region: eu-west-1}\n")

    def write(body: str) -> Path:
        (tmp_path / "__main__.py").write_text(HEAD + body)
        return tmp_path

    return write


COMPONENT = """
class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Box", name, opts=opts)
        below = pulumi.ResourceOptions(parent=self)
        self.queue = aws.sqs.Queue(f"{name}-queue", visibility_timeout_seconds=60, opts=below)
        self.register_outputs({"url": self.queue.url})
"""


def test_registrations_carry_all_that_the_engine_is_told(program: Write) -> None:
    root = program(
        COMPONENT
        + """
box = Box("box")
inner = Box("inner", opts=pulumi.ResourceOptions(parent=box))
topic = aws.sns.Topic("topic", name="news", opts=pulumi.ResourceOptions(
    protect=True, depends_on=[box], aliases=[pulumi.Alias(name="old"), pulumi.Alias(parent=box)]))
aws.sns.TopicSubscription("sub", topic=topic.arn, protocol="sqs", endpoint=box.queue.arn, raw_message_delivery=True)
pulumi.export("topic", topic.arn)
"""
    )
    graph = record("dev", root=root)
    (topic,) = graph.of_type("aws:sns/topic:Topic")
    (subscription,) = graph.of_type("aws:sns/topicSubscription:TopicSubscription")
    base = "urn:pulumi:dev::shop::"
    queue = f"{base}shop:index:Box$aws:sqs/queue:Queue::box-queue"
    assert (topic.urn, topic.name, topic.custom, topic.protect) == (
        f"{base}aws:sns/topic:Topic::topic",
        "topic",
        True,
        True,
    )
    assert queue in topic.dependencies
    assert topic.aliases == (f"{base}aws:sns/topic:Topic::old", f"{base}shop:index:Box$aws:sns/topic:Topic::topic")
    assert subscription.property_dependencies == {"endpoint": (queue,), "topic": (topic.urn,)}
    assert subscription.inputs == {
        "topic": topic.outputs["arn"],
        "endpoint": "arn:aws:sqs:eu-west-1:123456789012:" + graph.of_type("aws:sqs/queue:Queue")[0].outputs["name"],
        "protocol": "sqs",
        "rawMessageDelivery": True,
    }
    assert graph.stack_outputs == {"topic": "arn:aws:sns:eu-west-1:123456789012:news"}
    box = next(item for item in graph.registrations if item.name == "box")
    assert not box.custom
    assert {item.urn for item in graph.children_of(box.urn)} == {
        queue,
        f"{base}shop:index:Box$shop:index:Box::inner",
    }
    deepest = next(item for item in graph.registrations if item.name == "inner-queue")
    assert deepest.urn == f"{base}shop:index:Box$shop:index:Box$aws:sqs/queue:Queue::inner-queue"
    assert box.outputs["url"] == next(item.outputs["url"] for item in graph.registrations if item.urn == queue)
    assert [item.urn for item in graph.registrations] == sorted(item.urn for item in graph.registrations)


def test_runs_are_equal_and_leak_nothing_into_each_other(program: Write) -> None:
    body = """
size = pulumi.Config().require_int("size")
for n in range(size):
    aws.sqs.Queue(f"q{n}", delay_seconds=n, tags={"Team": "x"})
aws.lambda_.LayerVersion("layer", layer_name="l", code=pulumi.AssetArchive({"a": pulumi.StringAsset("x")}))
"""
    root = program(body)
    first = record("dev", root=root)
    other = record("dev", root=root, config={"size": "1"})
    assert record("dev", root=root) == first
    assert len(first.of_type("aws:sqs/queue:Queue")) == 3
    assert len(other.of_type("aws:sqs/queue:Queue")) == 1
    (layer,) = first.of_type("aws:lambda/layerVersion:LayerVersion")
    assert layer.inputs["code"].names == ("a",)
    program(body.replace('"x")})', '"y")})'))
    assert record("dev", root=root) != first
    assert settings.get_root_resource() is None


def test_computed_values_are_unknown_in_a_preview_and_the_set_is_the_same(program: Write) -> None:
    root = program(
        'queue = aws.sqs.Queue("q")\npulumi.export("url", queue.url)\naws.sns.Topic("t", display_name=queue.arn)'
    )
    deployed = record("dev", root=root)
    preview = record("dev", root=root, preview=True)
    assert [item.urn for item in preview.registrations] == [item.urn for item in deployed.registrations]
    assert preview.stack_outputs == {"url": UNKNOWN}
    assert preview.of_type("aws:sns/topic:Topic")[0].inputs == {"displayName": UNKNOWN}


def test_secrets_stay_marked(program: Write) -> None:
    root = program(
        'token = pulumi.Config().require_secret("token")\n'
        'aws.ssm.Parameter("p", type="SecureString", name="/p", value=token)\npulumi.export("token", token)'
    )
    (root / "Pulumi.dev.yaml").write_text("config:\n  shop:token: {secure: v1:abc}\n")
    graph = record("dev", root=root, config={"token": "hunter2"})
    (parameter,) = graph.of_type("aws:ssm/parameter:Parameter")
    assert parameter.inputs["value"] == parameter.outputs["value"] == Secret("hunter2")
    assert graph.stack_outputs == {"token": Secret("hunter2")}
    assert "hunter2" not in repr(graph)


def test_data_sources_answer_and_unknown_ones_are_named(program: Write) -> None:
    root = program(
        'pulumi.export("id", aws.get_caller_identity().account_id)\n'
        'pulumi.export("region", aws.get_region_output().region)\n'
        'pulumi.export("partition", aws.get_partition().partition)'
    )
    assert record("dev", root=root).stack_outputs == {"id": "123456789012", "region": "eu-west-1", "partition": "aws"}
    program("aws.get_availability_zones()")
    with pytest.raises(ProgramError, match=r"the data source aws:index/getAvailabilityZones.*provision/calls\.py"):
        record("dev", root=root)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('raise ValueError("size is\\n wrong")', ["ValueError: size is wrong", "(__main__.py:3)"]),
        ('import sys; sys.exit("no layer; run make build")', ["no layer; run make build"]),
        ('pulumi.Config().require("absent")', ["shop:absent"]),
        ("def broken(:", ["SyntaxError"]),
        ('aws.sqs.Queue("q").url.apply(lambda url: 1 // 0)', ["ZeroDivisionError", "__main__.py:3"]),
        ('[aws.sqs.Queue("same") for _ in range(2)]', ["aws:sqs/queue:Queue 'same'", "registered twice"]),
        (
            'aws.lambda_.LayerVersion("l", layer_name="l", code=pulumi.FileArchive("absent"))',
            ["aws:lambda/layerVersion:LayerVersion 'l'", "absent does not exist"],
        ),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_failure_is_one_sentence_and_nothing_else(
    program: Write, body: str, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    root = program('[aws.sns.Topic(f"t{n}").arn.apply(str) for n in range(9)]\n' + body)
    with pytest.raises(ProgramError) as failure:
        record("dev", root=root)
    assert all(word in str(failure.value) for word in words), str(failure.value)
    assert "\n" not in str(failure.value)
    assert capfd.readouterr().err == ""


def test_a_resource_passed_as_an_input_arrives_as_its_id(program: Write) -> None:
    graph = record("dev", root=program('aws.sqs.QueuePolicy("p", policy="{}", queue_url=aws.sqs.Queue("q"))'))
    (policy,), (queue,) = graph.of_type("aws:sqs/queuePolicy:QueuePolicy"), graph.of_type("aws:sqs/queue:Queue")
    assert policy.inputs["queueUrl"] == queue.id
    assert policy.property_dependencies == {"queueUrl": (queue.urn,)}


def test_working_directory_and_import_path_are_given_back(program: Write) -> None:
    import sys

    before = (Path.cwd(), list(sys.path))
    root = program('pulumi.export("here", open("Pulumi.dev.yaml").read()); raise KeyError("x")')
    with pytest.raises(ProgramError, match="KeyError"):
        record("dev", root=root)
    assert (Path.cwd(), sys.path) == before


def test_no_thread_outlives_a_run(program: Write) -> None:
    before = threading.active_count()
    record("dev", root=program('[aws.sqs.Queue(f"q{n}") for n in range(30)]'))
    assert threading.active_count() == before


def test_an_unreachable_cloud_and_an_unknown_type_are_named_with_the_remedy(program: Write) -> None:
    root = program('aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")')
    done: list[tuple[int, int | None, str]] = []
    with pytest.raises(ProgramError, match=r"aws:ec2/vpc:Vpc 'net': no provisioner is written.*RECORDED"):
        provision_stack(
            stack="dev",
            endpoint_url="http://127.0.0.1:9",
            region="eu-west-1",
            account_id="000000000000",
            on_progress=lambda *args: done.append(args),
            root=root,
        )
    assert done == [(0, 1, "")]
    program('aws.sqs.Queue("q")')
    with pytest.raises(ProgramError, match=r"aws:sqs/queue:Queue 'q': http://127\.0\.0\.1:9 does not answer .*; start"):
        provision_stack(
            stack="dev",
            endpoint_url="http://127.0.0.1:9",
            region="eu-west-1",
            account_id="000000000000",
            on_progress=lambda *args: None,
            root=root,
        )


def test_the_private_touches_of_the_sdk_are_as_they_were_measured() -> None:
    """pulumi 3.272.0: what `localcloud.monitor` and `localcloud.program` use beside the public interface."""
    assert inspect.iscoroutinefunction(run_in_stack)
    assert {
        "project",
        "stack",
        "root_directory",
        "monitor_address",
        "engine_address",
        "preview",
        "organization",
    } <= set(inspect.signature(settings.reset_options).parameters)
    monitor = object()
    assert settings.Settings("p", "s", monitor=monitor, engine=MockEngine(None)).monitor is monitor
    assert {
        "make_urn",
        "RegisterResource",
        "ReadResource",
        "RegisterResourceOutputs",
        "Invoke",
        "GetDeploymentInfo",
    } <= set(dir(MockMonitor))
    assert list(inspect.signature(MockMonitor.__init__).parameters) == ["self", "mocks"]
    wrapped = rpc.wrap_rpc_secret(1)
    assert rpc.is_rpc_secret(wrapped)
    assert rpc.unwrap_rpc_secret(wrapped) == 1
    assert "keep_unknowns" in inspect.signature(rpc.deserialize_properties).parameters
    fields = set(resource_pb2.RegisterResourceRequest.DESCRIPTOR.fields_by_name)
    used = {"type", "name", "parent", "custom", "object", "protect", "dependencies", "propertyDependencies"}
    assert used | {"provider", "importId", "aliases", "aliasURNs"} <= fields
    assert set(resource_pb2.ReadResourceRequest.DESCRIPTOR.fields_by_name) >= {"id", "properties", "dependencies"}
