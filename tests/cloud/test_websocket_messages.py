"""Messages on a WebSocket: their routes, their functions, what comes back, and limits of size."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from localcloud import launch
from tests.cloud.conftest import DeployFunction, WaitUntil
from tests.cloud.socket_api import STAGE, SocketApi, ask, said

ECHO = """
import json
def handler(event, context):
    print("handled", event["requestContext"]["routeKey"], event.get("body"))
    return {"statusCode": 200, "body": json.dumps(event)}
"""

MEETS = """
import json, time, os, pathlib
def handler(event, context):
    here = pathlib.Path(json.loads(event["body"])["directory"])
    (here / str(os.getpid())).touch()
    deadline = time.monotonic() + 15
    while len(list(here.iterdir())) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    return {"statusCode": 200, "body": json.dumps({"met": len(list(here.iterdir()))})}
"""
"""Waits until four invocations are at work."""

WAITS = """
import json, time, pathlib
def handler(event, context):
    file, deadline = pathlib.Path(json.loads(event["body"])["file"]), time.monotonic() + 15
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return {"statusCode": 200, "body": "went" if file.exists() else "gave up"}
"""


def closed(client: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as ended:
        client.recv(timeout=30)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code, ended.value.rcvd.reason


def test_a_message_reaches_the_function_of_its_action(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    socket_api.route("hello", deploy_function(ECHO), answers=True)
    with socket_api.connect(user_agent_header="a-test") as client:
        text = json.dumps({"action": "hello", "n": 1})
        client.send(text)
        event = said(client)
        ask(client, {"action": "hello"})
        second = said(client)["requestContext"]
    assert event["body"] == text
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert (context["routeKey"], context["eventType"], context["stage"]) == ("hello", "MESSAGE", STAGE)
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "a-test"}
    assert context["apiId"] == socket_api.api_id
    assert len(context["connectionId"]) == 16
    assert context["connectedAt"] <= context["requestTimeEpoch"]
    assert (second["connectionId"], second["connectedAt"]) == (context["connectionId"], context["connectedAt"])
    assert second["messageId"] != context["messageId"]


@pytest.mark.parametrize(
    "text",
    ["no json", json.dumps({"action": "unknown"}), json.dumps(["action"]), json.dumps({"action": "$connect"}), ""],
)
def test_what_no_route_is_for_goes_to_the_default(
    socket_api: SocketApi, deploy_function: DeployFunction, text: str
) -> None:
    echo = deploy_function(ECHO)
    socket_api.route("hello", echo, answers=True)
    socket_api.route("$default", echo, answers=True)
    with socket_api.connect() as client:
        client.send(text)
        event = said(client)
    assert (event["requestContext"]["routeKey"], event["body"]) == ("$default", text)


def test_without_a_default_route_what_no_route_is_for_is_forbidden(
    socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    socket_api.route("hello", deploy_function(ECHO), answers=True)
    with socket_api.connect() as client:
        ask(client, {"action": "hello"})
        context = said(client)["requestContext"]
        client.send("no json")
        refusal = said(client)
    assert refusal["message"] == "Forbidden"
    assert refusal["connectionId"] == context["connectionId"]
    assert refusal["requestId"] not in ("", context["requestId"])


def test_only_a_route_response_brings_the_answer_back(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    echo = deploy_function(ECHO)
    socket_api.route("quiet", echo)
    socket_api.route("loud", echo, answers=True)
    with socket_api.connect() as client:
        ask(client, {"action": "quiet"})
        ask(client, {"action": "loud"})
        assert said(client)["requestContext"]["routeKey"] == "loud"
        ask(client, {"action": "loud", "last": True})
        assert json.loads(said(client)["body"])["last"] is True


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context):\n    raise ValueError('the secret text')",
        "def handler(event, context):\n    return None",
        "def handler(event, context):\n    return {'statusCode': 200, 'body': {'not': 'text'}}",
    ],
    ids=["raises", "answers nothing", "answers no text"],
)
def test_a_failing_function_is_an_internal_error_without_its_text(
    socket_api: SocketApi, deploy_function: DeployFunction, source: str
) -> None:
    socket_api.route("$default", deploy_function(source))
    with socket_api.connect() as client:
        client.send("anything")
        answer = said(client)
    assert set(answer) == {"message", "connectionId", "requestId"}
    assert answer["message"] == "Internal server error"


def test_a_function_that_api_gateway_may_not_invoke_is_an_internal_error(
    socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    socket_api.route("$default", deploy_function(ECHO), answers=True, permitted=False)
    with socket_api.connect() as client:
        client.send("anything")
        assert said(client)["message"] == "Internal server error"


def test_messages_of_one_connection_do_not_wait_for_each_other(
    socket_api: SocketApi, deploy_function: DeployFunction, tmp_path: Path
) -> None:
    socket_api.route("meet", deploy_function(MEETS), answers=True)
    with socket_api.connect() as client:
        for _ in range(4):
            ask(client, {"action": "meet", "directory": str(tmp_path)})
        assert [said(client)["met"] for _ in range(4)] == [4, 4, 4, 4]


def test_messages_of_many_connections_do_not_wait_for_each_other(
    socket_api: SocketApi, deploy_function: DeployFunction, tmp_path: Path
) -> None:
    socket_api.route("meet", deploy_function(MEETS), answers=True)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket_api.connect()) for _ in range(4)]
        for client in clients:
            ask(client, {"action": "meet", "directory": str(tmp_path)})
        assert [said(client)["met"] for client in clients] == [4, 4, 4, 4]


def test_a_slow_function_does_not_hold_up_another(
    socket_api: SocketApi, deploy_function: DeployFunction, tmp_path: Path
) -> None:
    socket_api.route("wait", deploy_function(WAITS), answers=True)
    socket_api.route("hello", deploy_function(ECHO), answers=True)
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket_api.connect()) for _ in range(6)]
        for client in waiting:
            for _ in range(16):
                ask(client, {"action": "wait", "file": str(tmp_path / "go")})
        with socket_api.connect() as quick:
            ask(quick, {"action": "hello"})
            assert said(quick, timeout=10)["requestContext"]["routeKey"] == "hello"
        (tmp_path / "go").touch()
        assert [client.recv(timeout=30) for client in waiting for _ in range(16)] == ["went"] * 96


def test_invocations_are_logged_and_counted(
    bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction, wait_until: WaitUntil
) -> None:
    name = deploy_function(ECHO)
    socket_api.route("hello", name, answers=True)
    word = uuid.uuid4().hex
    with socket_api.connect() as client:
        ask(client, {"action": "hello", "word": word})
        said(client)
    logs = bare_cloud.client("logs")
    lines = [each["message"] for each in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
    assert any("handled hello" in line and word in line for line in lines)
    assert any(line.startswith("REPORT") for line in lines)
    found = sums(bare_cloud, "AWS/Lambda", {"FunctionName": name})
    wait_until(lambda: found("Invocations") == 1, what="the invocation in AWS/Lambda")
    assert found("Errors") == 0


def test_the_api_counts_what_happens_on_it(
    bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction, wait_until: WaitUntil
) -> None:
    socket_api.route("hello", deploy_function(ECHO), answers=True)
    socket_api.route("refuse", deploy_function("def handler(e, c):\n    return {'statusCode': 429}"))
    socket_api.route("break", deploy_function("def handler(e, c):\n    return 1 / 0"))
    with socket_api.connect() as client:
        for action in ("hello", "break", "unknown"):
            ask(client, {"action": action})
            said(client)
        ask(client, {"action": "refuse"})
        stage = {"ApiId": socket_api.api_id, "Stage": STAGE}
        wait_until(lambda: sums(bare_cloud, "AWS/ApiGateway", stage)("IntegrationError") == 1, what="the refusal")
    for dimensions in ({"ApiId": socket_api.api_id}, stage):
        found = sums(bare_cloud, "AWS/ApiGateway", dimensions)
        counted = {name: found(name) for name in ("ConnectCount", "MessageCount", "IntegrationError")}
        assert counted == {"ConnectCount": 1, "MessageCount": 4 + 3, "IntegrationError": 1}
        assert (found("ExecutionError"), found("ClientError")) == (1, 1)
        assert found("IntegrationLatency") > 0


def sums(cloud: launch.LocalCloud, namespace: str, dimensions: dict[str, str]) -> Callable[[str], float]:
    """The sum of a metric around now, by its name."""
    metrics = cloud.client("cloudwatch")

    def found(name: str) -> float:
        points = metrics.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=datetime.now(UTC) - timedelta(minutes=30),
            EndTime=datetime.now(UTC) + timedelta(minutes=5),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    return found


def test_a_frame_over_32_kb_closes_with_1009(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    socket_api.route(
        "$default",
        deploy_function("def handler(e, c):\n    return {'statusCode': 200, 'body': str(len(e['body']))}"),
        answers=True,
    )
    with socket_api.connect() as client:
        client.send("x" * 32 * 1024)
        assert client.recv(timeout=30) == str(32 * 1024)
        client.send("x" * (32 * 1024 + 1))
        assert closed(client)[0] == 1009


def test_a_message_of_many_frames_may_have_128_kb(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    socket_api.route(
        "$default",
        deploy_function("def handler(e, c):\n    return {'statusCode': 200, 'body': str(len(e['body']))}"),
        answers=True,
    )
    frame = "é" * 16 * 1024
    with socket_api.connect() as client:
        client.send([frame] * 4)
        assert client.recv(timeout=30) == str(4 * 16 * 1024)
        client.send([*[frame] * 4, "x"])
        assert closed(client)[0] == 1009


def test_a_binary_frame_closes_with_1003(socket_api: SocketApi) -> None:
    with socket_api.connect() as client:
        client.send(b"\x00\x01")
        assert closed(client)[0] == 1003
