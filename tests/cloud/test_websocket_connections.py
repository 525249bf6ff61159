"""Functions reaching clients: the @connections API, its rights, and clients that do not read."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from localcloud import launch
from tests.cloud.conftest import DeployFunction, WaitUntil
from tests.cloud.socket_api import SocketApi, ask

WHO = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}
"""

MANAGES = """
import base64, json, os, boto3
client = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_URL"])
def handler(event, context):
    outcomes = {}
    for name, more in (("post_to_connection", {"Data": b"hello"}), ("get_connection", {}), ("delete_connection", {})):
        try:
            getattr(client, name)(ConnectionId=event["connection"], **more)
            outcomes[name] = "done"
        except client.exceptions.ClientError as error:
            outcomes[name] = [error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]]
    return outcomes
"""


BROADCASTS = """
import os, boto3
from botocore.config import Config
from concurrent.futures import ThreadPoolExecutor
config = Config(max_pool_connections=32)
client = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_URL"], config=config)
def handler(event, context):
    def post(connection):
        client.post_to_connection(ConnectionId=connection, Data=f"for {connection}".encode())
    with ThreadPoolExecutor(32) as pool:
        return len(list(pool.map(post, event["connections"])))
"""


@pytest.fixture
def who(socket_api: SocketApi, deploy_function: DeployFunction) -> SocketApi:
    """An API that tells every client its connection's id."""
    socket_api.route("$default", deploy_function(WHO), answers=True)
    return socket_api


def id_of(client: ClientConnection) -> str:
    client.send("who am I?")
    return str(client.recv(timeout=30))


def code_of(error: ClientError) -> tuple[str, int]:
    answer = error.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def is_gone(management: Any, id_: str) -> bool:
    try:
        management.get_connection(ConnectionId=id_)
    except management.exceptions.GoneException:
        return True
    return False


def test_a_post_reaches_the_client_in_order(who: SocketApi) -> None:
    management = who.management()
    with who.connect() as client, who.connect() as other:
        id_, other_id = id_of(client), id_of(other)
        for number in range(50):
            management.post_to_connection(ConnectionId=id_, Data=str(number).encode())
        management.post_to_connection(ConnectionId=other_id, Data="größer ☃".encode())
        assert [client.recv(timeout=30) for _ in range(50)] == [str(number) for number in range(50)]
        assert other.recv(timeout=30) == "größer ☃"


def test_a_broadcast_by_many_threads_reaches_everybody_once(
    bare_cloud: launch.LocalCloud, who: SocketApi, deploy_function: DeployFunction
) -> None:
    allowed = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": who.resource("POST")}
    name = deploy_function(BROADCASTS, statements=[allowed], variables={"MANAGEMENT_URL": who.management_url})
    with ExitStack() as stack:
        listeners = [stack.enter_context(who.connect()) for _ in range(100)]
        ids = [id_of(listener) for listener in listeners]
        event = json.dumps({"connections": ids})
        answer = bare_cloud.client("lambda").invoke(FunctionName=name, Payload=event)
        assert json.loads(answer["Payload"].read()) == 100
        heard = [listener.recv(timeout=30) for listener in listeners]
        assert heard == [f"for {id_}" for id_ in ids]
        assert id_of(listeners[0]) == ids[0]  # nothing else came in between


def test_a_connection_is_described_in_full(who: SocketApi) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with who.connect(user_agent_header="a-test") as client:
        id_ = id_of(client)
        described = who.management().get_connection(ConnectionId=id_)
    assert described["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a-test"}
    assert before <= described["ConnectedAt"] <= described["LastActiveAt"] <= datetime.now(UTC)


def test_a_deleted_connection_is_closed_after_what_was_posted(who: SocketApi) -> None:
    management = who.management()
    with who.connect() as client:
        id_ = id_of(client)
        management.post_to_connection(ConnectionId=id_, Data=b"the last word")
        management.delete_connection(ConnectionId=id_)
        assert client.recv(timeout=30) == "the last word"
        with pytest.raises(ConnectionClosed) as ended:
            client.recv(timeout=30)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1000


def test_what_is_not_open_is_gone(who: SocketApi, wait_until: WaitUntil) -> None:
    management = who.management()
    with who.connect() as client:
        id_ = id_of(client)

    wait_until(lambda: is_gone(management, id_), what="the closed connection")
    calls = {"post_to_connection": {"Data": b"x"}, "get_connection": {}, "delete_connection": {}}
    for call, more in calls.items():
        for connection in (id_, "neverthere="):
            with pytest.raises(management.exceptions.GoneException) as error:
                getattr(management, call)(ConnectionId=connection, **more)
            assert code_of(error.value) == ("GoneException", 410)


def test_a_connection_belongs_to_its_api(bare_cloud: launch.LocalCloud, who: SocketApi, unique: str) -> None:
    other = SocketApi(bare_cloud, f"{unique}-other")
    with who.connect() as client:
        id_ = id_of(client)
        management = other.management()
        with pytest.raises(management.exceptions.GoneException):
            management.post_to_connection(ConnectionId=id_, Data=b"x")
    other.delete()


def test_more_than_128_kb_cannot_be_posted(who: SocketApi) -> None:
    management = who.management()
    with who.connect() as client:
        id_ = id_of(client)
        management.post_to_connection(ConnectionId=id_, Data=b"x" * 128 * 1024)
        assert len(client.recv(timeout=30)) == 128 * 1024
        with pytest.raises(management.exceptions.PayloadTooLargeException) as error:
            management.post_to_connection(ConnectionId=id_, Data=b"x" * (128 * 1024 + 1))
    assert code_of(error.value) == ("PayloadTooLargeException", 413)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", None])
def test_a_function_may_do_what_its_role_allows_and_no_more(
    bare_cloud: launch.LocalCloud, who: SocketApi, deploy_function: DeployFunction, method: str | None
) -> None:
    allowed = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": who.resource(method or "")}
    name = deploy_function(
        MANAGES,
        statements=[allowed] if method else [],
        variables={"MANAGEMENT_URL": who.management_url},
    )
    with who.connect() as client:
        event = json.dumps({"connection": id_of(client)})
        answer = bare_cloud.client("lambda").invoke(FunctionName=name, Payload=event)
        outcomes = json.loads(answer["Payload"].read())
    done = {"POST": "post_to_connection", "GET": "get_connection", "DELETE": "delete_connection"}
    denied = [403, "AccessDeniedException"]
    assert outcomes == {call: "done" if verb == method else denied for verb, call in done.items()}
    asked = [each for each in bare_cloud.control.decisions() if each.session == name]
    assert {(each.action, each.allowed) for each in asked if each.resource.startswith(who.resource("GET")[:-1])} == {
        ("execute-api:ManageConnections", method == "GET")
    }


def test_a_request_with_a_wrong_signature_is_refused(bare_cloud: launch.LocalCloud, who: SocketApi) -> None:
    iam = bare_cloud.client("iam")
    user = f"u-{who.api_id}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    management = bare_cloud.client(
        "apigatewaymanagementapi",
        endpoint_url=who.management_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key="wrong",
    )
    with who.connect() as client, pytest.raises(ClientError) as error:
        management.post_to_connection(ConnectionId=id_of(client), Data=b"x")
    assert code_of(error.value) == ("SignatureDoesNotMatch", 403)
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=user)


def fill(management: Any, id_: str) -> tuple[str, int]:
    """Post to a client that reads nothing until no more is taken; code and status of the refusal."""
    for _ in range(1_000):
        try:
            management.post_to_connection(ConnectionId=id_, Data=b"x" * 128 * 1024)
        except ClientError as error:
            return code_of(error)
    pytest.fail("everything was taken")


def test_a_client_that_reads_nothing_holds_up_nobody_and_is_cut_off(who: SocketApi, wait_until: WaitUntil) -> None:
    management = who.management()
    with who.connect(max_queue=1, max_size=None, ping_interval=None, close_timeout=1) as slow, who.connect() as quick:
        slow_id, quick_id = id_of(slow), id_of(quick)
        assert fill(management, slow_id) == ("LimitExceededException", 429)
        management.post_to_connection(ConnectionId=quick_id, Data=b"still here")
        assert quick.recv(timeout=30) == "still here"
        wait_until(lambda: is_gone(management, slow_id), timeout=60, what="the end of the client that reads nothing")
        ask(quick, {"action": "anything"})
        assert quick.recv(timeout=30) == quick_id
