"""Writes that meet a transaction on their item are repeated, and throttled ones that may not be made twice."""

from __future__ import annotations

import contextlib
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.adapters.aws import ConfigurationError
from lambdas.adapters.dynamo import CONFLICT_TRIES, THROTTLED, ConditionFailed, Table
from lambdas.adapters.sessions import Sessions


class Client:
    """Refuses `refusals` in turn, then answers."""

    def __init__(self, *refusals: dict[str, Any]) -> None:
        self.refusals = list(refusals)
        self.calls = 0

    def _call(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        if self.refusals:
            raise ClientError(self.refusals.pop(0), "Write")
        return {"Attributes": {}}

    put_item = update_item = transact_write_items = _call


CONFLICT = {"Error": {"Code": "TransactionConflictException"}}
CANCELLED_BY_CONFLICT = {
    "Error": {"Code": "TransactionCanceledException"},
    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
}
CANCELLED_BY_CONDITION = {
    "Error": {"Code": "TransactionCanceledException"},
    "CancellationReasons": [{"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}],
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdas.adapters.dynamo.time.sleep", lambda seconds: None)


def test_a_conflict_is_waited_out() -> None:
    client = Client(CONFLICT, CONFLICT)
    Table(client, "t").update({"pk": "1"}, "SET #a = :a", {"a": 1})
    assert client.calls == 3
    client = Client(CONFLICT)
    Table(client, "t").put_new({"pk": "1"}, "pk")
    assert client.calls == 2
    client = Client(CANCELLED_BY_CONFLICT)
    Table(client, "t").transact([])
    assert client.calls == 2


def test_a_conflict_without_end_is_raised() -> None:
    client = Client(*[CONFLICT] * CONFLICT_TRIES)
    with pytest.raises(ClientError):
        Table(client, "t").update({"pk": "1"}, "SET #a = :a", {"a": 1})
    assert client.calls == CONFLICT_TRIES


def test_a_condition_is_an_answer_and_not_a_conflict() -> None:
    client = Client(CANCELLED_BY_CONDITION)
    with pytest.raises(ConditionFailed):
        Table(client, "t").transact([])
    assert client.calls == 1


def refused(code: str, status: int = 400) -> dict[str, Any]:
    return {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize("code", sorted(THROTTLED))
def test_a_listeners_place_is_given_back_after_throttling(code: str) -> None:
    client = Client(refused(code), refused(code))
    Sessions(Table(None, "t"), Table(client, "t")).dismiss("session-1", 1, 0)
    assert client.calls == 3


def test_throttling_without_end_is_raised() -> None:
    client = Client(*[refused("ThrottlingException")] * CONFLICT_TRIES)
    with pytest.raises(ClientError):
        Sessions(Table(None, "t"), Table(client, "t")).dismiss("session-1", 1, 0)
    assert client.calls == CONFLICT_TRIES


def test_a_place_that_may_have_been_given_back_is_not_given_back_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(refused("InternalServerError", 500))
    Sessions(Table(None, "t"), Table(client, "t")).dismiss("session-1", 1, 0)
    assert client.calls == 1

    def lost(**_: Any) -> None:
        client.calls += 1
        raise ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")

    monkeypatch.setattr(client, "update_item", lost)
    Sessions(Table(None, "t"), Table(client, "t")).dismiss("session-1", 1, 0)
    assert client.calls == 2


@pytest.mark.parametrize(
    ("code", "status", "calls"), [("ThrottlingException", 400, 2), ("InternalServerError", 500, 1)]
)
def test_what_adds_up_is_repeated_only_if_nothing_was_written(code: str, status: int, calls: int) -> None:
    client = Client(refused(code, status))
    with contextlib.suppress(ClientError):
        Table(client, "t").update_once({"pk": "1"}, "ADD #a :a", {"a": 1})
    assert client.calls == calls


@pytest.mark.parametrize(
    ("retries", "is_once"), [({"total_max_attempts": 1}, True), ({"total_max_attempts": 2}, False), (None, False)]
)
def test_what_adds_up_needs_a_client_that_makes_each_call_once(retries: dict[str, Any] | None, is_once: bool) -> None:
    session = botocore.session.get_session()
    client = session.create_client("dynamodb", region_name="us-east-1", config=Config(retries=retries))
    table = Table(client, "t")
    if is_once:
        assert table.once() is table
    else:
        with pytest.raises(ConfigurationError, match="attempts=1"):
            table.once()
