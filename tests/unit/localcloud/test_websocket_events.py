"""Events of WebSockets, and the choice of a message's route."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.websocket_events import (
    Socket,
    Upgrade,
    authorizer_event,
    connect_event,
    disconnect_event,
    failure,
    message_event,
    selected,
)

ACTION = "$request.body.action"
UPGRADE = Upgrade({"host": ["a.example"], "user-agent": ["x", "y"]}, {"to": ["de", "fr"], "empty": [""]}, "10.0.0.1")


def socket(upgrade: Upgrade = UPGRADE) -> Socket:
    return Socket.new("abcd1234", "prod", upgrade)


@given(st.text())
def test_any_text_finds_a_route(text: str) -> None:
    assert selected(ACTION, text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_json_finds_a_route_and_never_a_predefined_one_by_name(value: Any) -> None:
    key = selected(ACTION, json.dumps({"action": value}))
    assert key == "$default" or not key.startswith("$")


@given(st.text(min_size=1).filter(lambda text: not text.startswith("$")))
def test_the_action_is_the_route(action: str) -> None:
    assert selected(ACTION, json.dumps({"action": action, "more": 1})) == action


@pytest.mark.parametrize(
    ("expression", "text", "key"),
    [
        ("${request.body.action}", '{"action": "join"}', "join"),
        ("$request.body.a.b", '{"a": {"b": "deep"}}', "deep"),
        ("$request.body.a.b", '{"a": "flat"}', "$default"),
        (ACTION, '{"action": 7}', "7"),
        (ACTION, '{"action": {"x": 1}}', "$default"),
        (ACTION, '{"action": true}', "$default"),
        (ACTION, '{"action": "$disconnect"}', "$default"),
        (ACTION, '{"action": ""}', ""),
        ("$request.header.x", '{"action": "join"}', "$default"),
    ],
)
def test_expressions(expression: str, text: str, key: str) -> None:
    assert selected(expression, text) == key


def test_connect_has_every_value_and_the_last_one() -> None:
    event = connect_event(socket(), {"principalId": "ann"})
    assert event["queryStringParameters"] == {"to": "fr", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"to": ["de", "fr"], "empty": [""]}
    assert event["headers"]["user-agent"] == "y"
    assert event["multiValueHeaders"]["user-agent"] == ["x", "y"]
    assert event["requestContext"]["authorizer"] == {"principalId": "ann"}
    assert event["requestContext"]["identity"] == {"sourceIp": "10.0.0.1", "userAgent": "y"}


def test_without_a_query_there_is_none() -> None:
    event = connect_event(socket(Upgrade({}, {}, "10.0.0.1")), None)
    assert not [name for name in event if "uery" in name]
    assert "authorizer" not in event["requestContext"]
    assert event["requestContext"]["identity"] == {"sourceIp": "10.0.0.1"}


def test_every_event_of_a_connection_names_it_alike() -> None:
    one = socket()
    events = [
        connect_event(one, None),
        authorizer_event(one, "arn", {}),
        message_event(one, "join", "{}", None),
        disconnect_event(one, 1005, "", None),
    ]
    contexts = [event["requestContext"] for event in events]
    assert {(each["connectionId"], each["connectedAt"]) for each in contexts} == {(one.connection_id, one.connected_at)}
    assert len({each["requestId"] for each in contexts}) == len(contexts)
    assert len(one.connection_id) == 16
    assert one.connection_id.endswith("=")


def test_what_api_gateway_says_names_the_request() -> None:
    context = {"connectionId": "c=", "requestId": "r=", "stage": "prod"}
    assert json.loads(failure("Forbidden", context)) == {
        "message": "Forbidden",
        "connectionId": "c=",
        "requestId": "r=",
    }
