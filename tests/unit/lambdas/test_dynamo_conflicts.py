"""Writes that meet a transaction on their item are repeated; nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.adapters.dynamo import CONFLICT_TRIES, ConditionFailed, Table


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
