"""DynamoDB attribute values: what goes in comes out."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters.dynamo import ConditionFailed, Table, names_of, values_of
from lambdas.core.attribute_values import from_attribute, from_item, to_attribute, to_item

values = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.binary()
    | st.integers(-(10**37), 10**37)
    | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)
    | st.frozensets(st.text(min_size=1), min_size=1),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


@given(values)
def test_any_value_round_trips(value: Any) -> None:
    assert from_attribute(to_attribute(value)) == value


@given(st.dictionaries(st.text(min_size=1), values))
def test_an_item_round_trips_without_its_nones(item: dict[str, Any]) -> None:
    assert from_item(to_item(item)) == {name: value for name, value in item.items() if value is not None}


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("text", {"S": "text"}),
        (b"text", {"B": b"text"}),
        (Colour.RED, {"S": "red"}),
        (True, {"BOOL": True}),
        (7, {"N": "7"}),
        (Decimal("0.00881"), {"N": "0.00881"}),
        (None, {"NULL": True}),
        ({"b", "a"}, {"SS": ["a", "b"]}),
        ([1, "x"], {"L": [{"N": "1"}, {"S": "x"}]}),
        ({Colour.RED: 1}, {"M": {"red": {"N": "1"}}}),
    ],
)
def test_attribute_types(value: Any, attribute: dict[str, Any]) -> None:
    written = to_attribute(value)
    assert written == attribute
    assert type(next(iter(written.values()))) is type(next(iter(attribute.values())))


def test_numbers_come_back_exact_and_whole_ones_as_int() -> None:
    assert type(from_attribute({"N": "5"})) is int
    assert type(from_attribute({"N": "5.0"})) is int
    assert from_attribute({"N": "1E+3"}) == 1_000
    assert from_attribute({"N": "0.1"}) == Decimal("0.1")


@pytest.mark.parametrize("value", [0.1, [1, 0.5], {"a": {"b": 0.5}}, object()])
def test_what_would_lose_digits_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="attribute type"):
        to_attribute(value)


@given(st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True), unique=True))
def test_every_placeholder_stands_for_its_name(names: list[str]) -> None:
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in names)
    assert names_of(expression) == {f"#{name}": name for name in names}


def test_names_of_several_expressions_and_paths() -> None:
    assert names_of("SET #history.#sent = :at", "#version = :was AND attribute_not_exists(#pk)") == {
        "#history": "history",
        "#sent": "sent",
        "#version": "version",
        "#pk": "pk",
    }
    assert names_of("", "now = :now") == {}
    assert values_of({"now": 1}) == {":now": {"N": "1"}}


class RecordedClient:
    """A client that records its calls and answers from a list."""

    def __init__(self, *answers: Any) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers = list(answers)

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            answer = self._answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def failure(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, "UpdateItem")


def test_a_failed_condition_carries_what_the_table_holds() -> None:
    client = RecordedClient(failure("ConditionalCheckFailedException", Item={"n": {"N": "3"}}))
    with pytest.raises(ConditionFailed) as failed:
        Table(client, "t").update({"pk": "a"}, "SET #n = :n", {"n": 1, "was": 2}, condition="#n = :was")
    assert failed.value.item == {"n": 3}
    ((_, arguments),) = client.calls
    assert arguments["ExpressionAttributeNames"] == {"#n": "n"}
    assert arguments["ConditionExpression"] == "#n = :was"


def test_any_other_failure_is_itself() -> None:
    with pytest.raises(ClientError):
        Table(RecordedClient(failure("ThrottlingException")), "t").put_new({"pk": "a"}, "pk")
    with pytest.raises(ClientError):
        Table(RecordedClient(failure("ThrottlingException")), "t").delete({"pk": "a"}, condition="#a = :a", values={})


def test_the_server_s_date_is_noted_from_answers_and_failures() -> None:
    headers = {"ResponseMetadata": {"HTTPHeaders": {"date": "Fri, 20 Nov 2026 10:00:00 GMT"}}}
    table = Table(RecordedClient({"Attributes": {}, **headers}), "t")
    table.update({"pk": "a"}, "SET #n = :n", {"n": 1})
    assert table.server_date_s == 1_795_168_800


def test_batches_of_keys_are_cut_and_unprocessed_ones_asked_for_again() -> None:
    keys = [{"pk": str(number)} for number in range(130)]

    def answer(start: int, end: int, left: list[int]) -> dict[str, Any]:
        return {
            "Responses": {"t": [{"pk": {"S": str(number)}} for number in range(start, end)]},
            "UnprocessedKeys": {"t": {"Keys": [{"pk": {"S": str(number)}} for number in left]}} if left else {},
        }

    client = RecordedClient(answer(0, 98, [98, 99]), answer(98, 130, []))
    items = Table(client, "t").batch_get(keys, consistent=True)
    assert sorted(int(item["pk"]) for item in items) == list(range(130))
    assert [len(call["RequestItems"]["t"]["Keys"]) for _, call in client.calls] == [100, 32]


def test_a_query_follows_its_pages_up_to_the_limit() -> None:
    page = {"Items": [{"n": {"N": "1"}}], "LastEvaluatedKey": {"n": {"N": "1"}}}
    client = RecordedClient(page, page, page)
    assert len(Table(client, "t").query("#pk = :pk", {"pk": "a"}, limit=3, newest_first=True)) == 3
    assert [call["Limit"] for _, call in client.calls] == [3, 2, 1]
    assert "ExclusiveStartKey" in client.calls[1][1]
