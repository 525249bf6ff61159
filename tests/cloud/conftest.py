"""Embedded clouds for tests: one process per session and worker, and what tests need to use them.

`bare_cloud` is empty, `cloud` has the project's stack. Both are shared by a session, so tests name things by `unique`.
"""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import pytest

from lambdas.core.outputs import StackOutputs
from localcloud import launch
from localcloud.profile import BUILT_IN
from localcloud.websocket_profile import WebSocketProfile
from tests.cloud.campaign_client import StackClient
from tests.cloud.provisioning import Cloud
from tests.cloud.socket_api import SocketApi

T = TypeVar("T")

_POLL_SECONDS = 0.02


class WaitUntil(Protocol):
    """Polls `probe` every 20 ms until its answer is true, and returns that answer; fails after `timeout` seconds.

    `what` says what was waited for; a function of it is asked when it has not come.
    """

    def __call__(self, probe: Callable[[], T], timeout: float = 20.0, what: str | Callable[[], str] = "") -> T: ...


class DeployFunction(Protocol):
    """Creates a function from the text of its module (`index.py`, handler `index.handler`); returns its name."""

    def __call__(
        self,
        source: str,
        *,
        statements: list[dict[str, Any]] | None = None,
        variables: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> str: ...


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    def wait(probe: Callable[[], T], timeout: float = 20.0, what: str | Callable[[], str] = "") -> T:
        deadline = time.monotonic() + timeout
        while True:
            answer = probe()
            if answer:
                return answer
            if time.monotonic() > deadline:
                missed = what() if callable(what) else what
                pytest.fail(f"not within {timeout:g} s: {missed or getattr(probe, '__name__', 'the condition')}")
            time.sleep(_POLL_SECONDS)

    return wait


@pytest.fixture(scope="session")
def bare_cloud() -> Iterator[launch.LocalCloud]:
    """An empty cloud."""
    with launch.start(launch.LaunchOptions(provision=False)) as running:
        yield running


@pytest.fixture(scope="session")
def cloud() -> Iterator[launch.LocalCloud]:
    """A cloud with the stack `local`, provisioned by the project's program."""
    with launch.start(launch.LaunchOptions()) as running:
        yield running


@pytest.fixture(scope="session")
def stack(cloud: launch.LocalCloud) -> StackClient:
    """The provisioned stack's API and tables."""
    return StackClient(StackOutputs.from_mapping(cloud.outputs()), cloud.endpoint_url)


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def aws(bare_cloud: launch.LocalCloud) -> Iterator[Cloud]:
    """The provider of all provisioners in the bare cloud; every input given to it has to be read."""
    made = Cloud(bare_cloud.endpoint_url)
    with made.provider:
        yield made
        assert made.provider.unread() == []


@pytest.fixture
def carrier_control(bare_cloud: launch.LocalCloud) -> Iterator[launch.ControlClient]:
    """The bare cloud's control, with a smooth carrier and no calls before and after the test."""
    control = bare_cloud.control

    def reset() -> None:
        control.set_carrier_profile(BUILT_IN["smooth"])
        control.forget_carrier_calls()

    reset()
    yield control
    reset()


@pytest.fixture
def role_arn(bare_cloud: launch.LocalCloud, unique: str) -> Iterator[Callable[[list[dict[str, Any]]], str]]:
    """Makes an execution role with the given policy statements in the bare cloud."""
    iam = bare_cloud.client("iam")
    made: list[str] = []

    def make(statements: list[dict[str, Any]]) -> str:
        name = f"{unique}-{len(made)}"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        made.append(name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
        return str(role["Arn"])

    yield make
    for name in made:
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)


@pytest.fixture
def deploy_function(
    bare_cloud: launch.LocalCloud, unique: str, role_arn: Callable[[list[dict[str, Any]]], str]
) -> Iterator[DeployFunction]:
    functions = bare_cloud.client("lambda")
    made: list[str] = []

    def deploy(
        source: str,
        *,
        statements: list[dict[str, Any]] | None = None,
        variables: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for path, text in {"index.py": source, **(files or {})}.items():
                zipped.writestr(path, text)
        name = f"{unique}-fn{len(made)}"
        functions.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.13",
                "Role": role_arn(statements or []),
                "Handler": "index.handler",
                "Code": {"ZipFile": archive.getvalue()},
                "Timeout": 20,
                "Environment": {"Variables": dict(variables or {})},
                **settings,
            }
        )
        made.append(name)
        return name

    yield deploy
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if mapping["FunctionArn"].rpartition(":")[2] in made:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
    for name in made:
        functions.delete_function(FunctionName=name)


@pytest.fixture
def socket_api(bare_cloud: launch.LocalCloud, unique: str) -> Iterator[SocketApi]:
    """A WebSocket API without routes; no `$disconnect` is lost before and after the test."""
    bare_cloud.control.set_websocket_profile(WebSocketProfile())
    made = SocketApi(bare_cloud, unique)
    yield made
    made.delete()
    bare_cloud.control.set_websocket_profile(WebSocketProfile())


@pytest.fixture
def make_queue(bare_cloud: launch.LocalCloud, unique: str) -> Iterator[Callable[..., tuple[str, str]]]:
    """Makes a queue that events and topics may send to, with the given attributes; returns its URL and ARN."""
    sqs = bare_cloud.client("sqs")
    made: list[str] = []

    def make(**attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=f"{unique}-q{len(made)}", Attributes=attributes)["QueueUrl"]
        made.append(url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def drain(bare_cloud: launch.LocalCloud) -> Callable[[str], list[dict[str, Any]]]:
    """Takes all visible messages of a queue off it and returns their bodies, parsed."""
    sqs = bare_cloud.client("sqs")

    def take(url: str) -> list[dict[str, Any]]:
        bodies: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    return take
