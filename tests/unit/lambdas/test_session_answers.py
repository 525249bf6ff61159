"""Every handshake and message of sessions has an answer, whatever the function behind it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.adapters import session_answers
from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import answered, let_in
from lambdas.core.session_errors import SESSION_ENDED, Refusal
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_limits import ACTIONS_PER_MINUTE, LocalWindow
from lambdas.core.session_ports import PostError
from lambdas.session_disconnect.settings import SessionDisconnectSettings

SECRET = "Wv8xQdKzoAMCJ7g="
LOG = Log(
    SessionDisconnectSettings(
        environment="local", stack="local", project="p", sessions_table="s", connections_table="c", log_level="DEBUG"
    )
)
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetItem")
AWAY = EndpointConnectionError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")


@pytest.fixture(autouse=True)
def _nothing_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_answers, "_ASKED", LocalWindow())


def event(body: str = "", *, route: str = "broadcast", at_ms: int = 1_000) -> dict[str, Any]:
    context = {
        "routeKey": route, "connectionId": SECRET, "requestId": "r-1", "requestTimeEpoch": at_ms,
        "identity": {"sourceIp": "192.0.2.7"},
    }  # fmt: skip
    return {"requestContext": context, "body": body}


def told(result: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result["body"])
    return answer


@pytest.mark.parametrize("error", [THROTTLED, AWAY, PostError("API Gateway answered 403")])
def test_what_is_away_is_told_without_its_reason(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(socket: SocketEvent, request: Mapping[str, Any]) -> dict[str, Any]:
        raise error

    answer = told(answered(event('{"action": "broadcast", "requestId": 4}'), LOG, fail))
    assert (answer["code"], answer["requestId"]) == ("UNAVAILABLE", 4)
    assert str(error) not in answer["message"]
    lines = capsys.readouterr().out
    assert str(error) in lines.replace('\\"', '"')
    assert SECRET not in lines
    assert "192.0.2.7" not in lines


@pytest.mark.parametrize(("error", "status"), [(THROTTLED, 503), (AWAY, 503)])
def test_a_handshake_is_refused_when_a_store_is_away(error: Exception, status: int) -> None:
    def fail(socket: SocketEvent) -> Refusal | None:
        raise error

    assert let_in(event(route="$connect"), LOG, fail)["statusCode"] == status


def test_a_handshake_has_the_status_of_its_refusal() -> None:
    assert let_in(event(route="$connect"), LOG, lambda socket: None) == {"statusCode": 200}
    refused = let_in(event(route="$connect"), LOG, lambda socket: SESSION_ENDED)
    assert (refused["statusCode"], json.loads(refused["body"])) == (410, {"code": "SESSION_ENDED"})


@pytest.mark.parametrize("action", sorted(ACTIONS_PER_MINUTE))
def test_a_connection_may_ask_so_often_in_a_minute(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"action": action})

    def ask(at_ms: int) -> dict[str, Any]:
        return told(answered(event(body, route=action, at_ms=at_ms), LOG, lambda socket, request: {"type": "done"}))

    limit = ACTIONS_PER_MINUTE[action]
    assert [ask(1_000)["type"] for _ in range(limit + 2)].count("done") == limit
    assert ask(1_000)["code"] == "RATE_LIMITED"
    assert ask(61_000)["type"] == "done"
    assert f'"Operation":"{action}"' in capsys.readouterr().out


def test_what_is_counted_is_the_route_and_not_what_the_message_says() -> None:
    """Of a name that comes twice, API Gateway may take the other value."""
    body = '{"action": "endSession", "action": "x"}'
    answers = [
        told(answered(event(body, route="endSession"), LOG, lambda socket, request: {"type": "done"})).get("code")
        for _ in range(ACTIONS_PER_MINUTE["endSession"] + 1)
    ]
    assert answers.count("RATE_LIMITED") == 1


def test_what_cannot_be_read_never_reaches_the_function() -> None:
    def unreached(socket: SocketEvent, request: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("it was not to be asked")

    assert told(answered(event("no json"), LOG, unreached))["code"] == "BAD_JSON"
