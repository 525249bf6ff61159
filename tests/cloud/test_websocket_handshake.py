"""Who gets a WebSocket: authorizers, what `$connect` answers, and when a connection is open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from localcloud import launch
from tests.cloud.conftest import DeployFunction, WaitUntil
from tests.cloud.socket_api import STAGE, SocketApi, ask, said

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""

AUTHORIZER = """
def allow(resource):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}
    return {"principalId": "x", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
def handler(event, context):
    asked = event.get("queryStringParameters") or {}
    token = asked.get("token")
    if token == "broken":
        raise ValueError("the secret text")
    if token == "talkative":
        return {**allow(event["methodArn"]), "context": {"subject": "x" * 8192}}
    if token == "nonsense":
        return {"isAuthorized": True}
    effect = "Deny" if token == "bad" else "Allow"
    resource = "arn:aws:execute-api:*:*:*/other/$connect" if token == "elsewhere" else event["methodArn"]
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    answer = {"principalId": token or "anonymous", "policyDocument": policy}
    if token:
        answer["context"] = {"subject": token, "number": 7, "yes": True, "type": event["type"]}
    return answer
"""

STATUS = """
def handler(event, context):
    return {"statusCode": int(event["queryStringParameters"]["status"]), "body": "the function's own words"}
"""


RECALLS = """
def handler(event, context):
    one, many = event["queryStringParameters"], event["multiValueQueryStringParameters"]
    assert one == {"action": "join", "targetLanguage": "fr", "empty": ""}, one
    assert many["targetLanguage"] == ["de", "fr"], many
    assert event["headers"]["x-thing"] == "1" and event["multiValueHeaders"]["x-thing"] == ["1"], event["headers"]
    context = event["requestContext"]
    assert (context["eventType"], context["routeKey"], context["messageDirection"]) == ("CONNECT", "$connect", "IN")
    assert context["identity"]["userAgent"] == "a-test" and "authorizer" not in context, context
    assert "body" not in event and event["isBase64Encoded"] is False
    return {"statusCode": 200}
"""


def refused(api: SocketApi, query: str = "") -> Response:
    """The answer to a handshake that is not let in."""
    with pytest.raises(InvalidStatus) as answer, api.connect(query):
        pytest.fail("the client was let in")
    return answer.value.response


def body(response: Response) -> dict[str, Any]:
    """A refusal's body, which always names the request."""
    parsed: dict[str, Any] = json.loads(response.body or b"")
    assert set(parsed) == {"message", "connectionId", "requestId"}
    return parsed


def test_without_routes_anybody_is_let_in(socket_api: SocketApi) -> None:
    with socket_api.connect() as client:
        client.send("unrouted")
        assert said(client)["message"] == "Forbidden"


def test_an_unknown_stage_or_path_is_forbidden(socket_api: SocketApi) -> None:
    right = socket_api.url
    for wrong in (right.removesuffix(STAGE) + "test", right + "/more", right.replace(socket_api.api_id, "00000000")):
        socket_api.url = wrong
        answer = refused(socket_api)
        assert (answer.status_code, body(answer)["message"]) == (403, "Forbidden")


def test_an_address_may_have_4096_characters(socket_api: SocketApi) -> None:
    room = 4096 - len(socket_api.url)
    with socket_api.connect("?token=" + "x" * (room - 100)) as client:
        client.send("unrouted")
        assert said(client)["message"] == "Forbidden"
    assert refused(socket_api, "?token=" + "x" * 4096).status_code == 414


def test_connect_is_told_of_the_request(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    socket_api.route("$connect", deploy_function(RECALLS))
    query = "?action=join&targetLanguage=de&targetLanguage=fr&empty="
    with socket_api.connect(query, user_agent_header="a-test", additional_headers={"X-Thing": "1"}) as client:
        client.send("let in, so every assertion of the function held")
        assert said(client)["message"] == "Forbidden"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_what_connect_answers_is_the_handshakes_status(
    socket_api: SocketApi, deploy_function: DeployFunction, status: int
) -> None:
    socket_api.route("$connect", deploy_function(STATUS))
    answer = refused(socket_api, f"?status={status}")
    assert answer.status_code == status
    assert b"own words" not in (answer.body or b"")
    body(answer)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_of_connect_lets_the_client_in(
    socket_api: SocketApi, deploy_function: DeployFunction, status: int
) -> None:
    socket_api.route("$connect", deploy_function(STATUS))
    with socket_api.connect(f"?status={status}") as client:
        client.send("unrouted")
        assert said(client)["message"] == "Forbidden"


@pytest.mark.parametrize(
    ("source", "permitted", "status"),
    [
        ("def handler(event, context):\n    raise ValueError('the secret text')", True, 502),
        ("def handler(event, context):\n    return {'no': 'status'}", True, 502),
        ("def handler(event, context):\n    return {'statusCode': 200}", False, 500),
    ],
    ids=["raises", "answers no status", "may not be invoked"],
)
def test_a_failing_connect_is_no_connection(
    socket_api: SocketApi, deploy_function: DeployFunction, source: str, permitted: bool, status: int
) -> None:
    socket_api.route("$connect", deploy_function(source), permitted=permitted)
    answer = refused(socket_api)
    assert (answer.status_code, body(answer)["message"]) == (status, "Internal server error")


def test_connect_that_takes_too_long_is_a_gateway_timeout(
    socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(2)\n    return {'statusCode': 200}"
    socket_api.route("$connect", deploy_function(slow), timeout_ms=50)
    answer = refused(socket_api)
    assert (answer.status_code, body(answer)["message"]) == (504, "Endpoint request timed out")


def test_connect_chooses_the_subprotocol(socket_api: SocketApi, deploy_function: DeployFunction) -> None:
    source = "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'Sec-WebSocket-Protocol': 'second'}}"
    socket_api.route("$connect", deploy_function(source))
    with socket_api.connect(subprotocols=["first", "second"]) as client:
        assert client.subprotocol == "second"


@pytest.fixture
def guarded(socket_api: SocketApi, deploy_function: DeployFunction) -> SocketApi:
    """An API whose authorizer asks for nothing; `echo` answers with its event."""
    id_ = socket_api.authorize(deploy_function(AUTHORIZER))
    echo = deploy_function(ECHO)
    socket_api.route("$connect", echo, AuthorizationType="CUSTOM", AuthorizerId=id_)
    socket_api.route("echo", echo, answers=True)
    return socket_api


def test_the_authorizers_context_reaches_every_route(guarded: SocketApi) -> None:
    with guarded.connect("?token=ann") as client:
        for _ in range(2):
            ask(client, {"action": "echo"})
            assert said(client)["requestContext"]["authorizer"] == {
                "principalId": "ann", "subject": "ann", "number": "7", "yes": "true", "type": "REQUEST",
            }  # fmt: skip


def test_without_identity_sources_the_authorizer_decides_about_anonymous_clients(guarded: SocketApi) -> None:
    with guarded.connect() as client:
        ask(client, {"action": "echo"})
        assert said(client)["requestContext"]["authorizer"] == {"principalId": "anonymous"}


@pytest.mark.parametrize(
    ("token", "status"),
    [("bad", 403), ("elsewhere", 403), ("broken", 500), ("nonsense", 500), ("talkative", 500)],
)
def test_who_the_authorizer_does_not_allow_is_refused(guarded: SocketApi, token: str, status: int) -> None:
    answer = refused(guarded, f"?token={token}")
    assert answer.status_code == status
    assert b"secret" not in (answer.body or b"")
    body(answer)


def test_an_authorizer_that_may_not_be_invoked_lets_nobody_in(
    socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    id_ = socket_api.authorize(deploy_function(AUTHORIZER), permitted=False)
    socket_api.route("$connect", deploy_function(ECHO), AuthorizationType="CUSTOM", AuthorizerId=id_)
    assert refused(socket_api).status_code == 500


def test_a_missing_identity_source_is_401_without_asking(
    bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    name = deploy_function(AUTHORIZER)
    id_ = socket_api.authorize(name, ["route.request.querystring.token"])
    socket_api.route("$connect", deploy_function(ECHO), AuthorizationType="CUSTOM", AuthorizerId=id_)
    answer = refused(socket_api)
    assert (answer.status_code, body(answer)["message"]) == (401, "Unauthorized")
    groups = bare_cloud.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert groups == []
    with socket_api.connect("?token=ann"):
        pass


def test_an_api_for_iam_callers_lets_in_who_signs(
    bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction
) -> None:
    socket_api.route("$connect", deploy_function(ECHO), AuthorizationType="AWS_IAM")
    assert refused(socket_api).status_code == 403
    request = AWSRequest("GET", socket_api.url.replace("ws", "http", 1))
    credentials = Credentials(bare_cloud.access_key_id, bare_cloud.secret_access_key)
    SigV4Auth(credentials, "execute-api", bare_cloud.region).add_auth(request)
    with socket_api.connect(additional_headers=dict(request.headers)) as client:
        client.send("unrouted")
        assert said(client)["message"] == "Forbidden"


POSTS = """
import json, os, boto3
def handler(event, context):
    here = event["requestContext"]
    client = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_URL"])
    try:
        client.post_to_connection(ConnectionId=here["connectionId"], Data=b"too early")
    except client.exceptions.GoneException as error:
        print("gone", error.response["ResponseMetadata"]["HTTPStatusCode"])
    return {"statusCode": 200}
"""


def test_nothing_can_be_posted_before_connect_has_returned(
    bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction, wait_until: WaitUntil
) -> None:
    allowed = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": socket_api.resource("POST")}
    name = deploy_function(POSTS, statements=[allowed], variables={"MANAGEMENT_URL": socket_api.management_url})
    socket_api.route("$connect", name)
    with socket_api.connect() as client:
        client.send("unrouted")
        assert said(client)["message"] == "Forbidden"
    events = bare_cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert "gone 410" in [each["message"] for each in events]
