"""Resource changes: every property from what to what, no secret, archives by file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud import resource_types as types
from localcloud.graph import UNKNOWN, Packed, RecordedGraph, Registration, Secret
from localcloud.preview.changes import MAX_VALUE, changes


def graph(*registrations: Registration) -> RecordedGraph:
    return RecordedGraph(registrations, {})


def item(inputs: dict[str, Any], *, name: str = "thing", type_: str = types.FUNCTION, **more: Any) -> Registration:
    return Registration(
        urn=f"urn:{type_}::{name}",
        type=type_,
        name=name,
        custom=more.pop("custom", True),
        property_dependencies={},
        inputs=inputs,
        outputs={},
        **more,
    )


def properties(before: Registration, after: Registration) -> list[tuple[str, str, str]]:
    (change,) = changes(graph(before), graph(after))
    assert change.change == "changed"
    return [(each.path, each.before, each.after) for each in change.properties]


def test_added_and_removed() -> None:
    old, new = item({"name": "a"}, name="old"), item({"name": "b"}, name="new")
    found = changes(graph(old), graph(new))
    assert [(each.change, each.title) for each in found] == [("added", "function b"), ("removed", "function a")]


def test_nothing_changed_is_nothing_said() -> None:
    one = item({"name": "a", "tags": {"x": "y"}})
    assert changes(graph(one), graph(one)) == []


def test_components_are_no_resources() -> None:
    assert changes(graph(), graph(item({}, custom=False))) == []


def test_nested_values_by_path() -> None:
    before = item({"environment": {"variables": {"A": "1", "B": "2"}}, "layers": ["a", "b"], "gone": True})
    after = item({"environment": {"variables": {"A": "9", "C": "3"}}, "layers": ["a", "c"]})
    assert properties(before, after) == [
        ("environment.variables.A", "1", "9"),
        ("environment.variables.B", "2", ""),
        ("environment.variables.C", "", "3"),
        ("gone", "true", ""),
        ("layers[1]", "b", "c"),
    ]


def test_json_text_is_opened() -> None:
    before, after = item({"redrivePolicy": '{"maxReceiveCount":3}'}), item({"redrivePolicy": '{"maxReceiveCount":5}'})
    assert properties(before, after) == [("redrivePolicy.maxReceiveCount", "3", "5")]


def test_a_policy_is_told_as_rights_and_only_if_it_means_something_else() -> None:
    statement = {"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*"}
    before = item({"policy": json.dumps({"Statement": [statement]})})
    reordered = item({"policy": json.dumps({"Statement": [{**statement, "Action": ["a:C", "a:B"]}]})})
    other = item({"policy": json.dumps({"Statement": [{**statement, "Action": "a:D"}]})})
    assert changes(graph(before), graph(reordered)) == []
    assert properties(before, other) == [("policy", "", "a different document, see permissions")]


def test_archives_by_file() -> None:
    before = item({"code": Packed((("a.py", "1"), ("b.py", "2"), ("same.py", "3")))})
    after = item({"code": Packed((("a.py", "9"), ("c.py", "4"), ("same.py", "3")))})
    assert properties(before, after) == [
        ("code/a.py", "", "other content"),
        ("code/b.py", "", "removed"),
        ("code/c.py", "", "added"),
    ]


def test_secrets_stay_hidden() -> None:
    before, after = item({"endpoint": Secret("digest-1"), "n": 1}), item({"endpoint": Secret("digest-2"), "n": 1})
    assert properties(before, after) == [("endpoint", "(secret)", "(secret)")]
    nested = properties(item({"x": {"y": [Secret("digest-1")]}}), item({"x": {"y": [Secret("digest-2"), 1]}}))
    assert "digest" not in repr(nested)


def test_unknown_and_long_values() -> None:
    ((_, before, after),) = properties(item({"x": UNKNOWN}), item({"x": "y" * 1000}))
    assert before == "(known after deployment)"
    assert len(after) == MAX_VALUE


@pytest.mark.parametrize(("key", "replaces"), [("hashKey", True), ("name", True), ("streamEnabled", False)])
def test_a_replacement_is_told_where_it_is_known(key: str, replaces: bool) -> None:
    before, after = item({key: "a"}, type_=types.TABLE), item({key: "b"}, type_=types.TABLE)
    (change,) = changes(graph(before), graph(after))
    assert change.replaces is replaces


def test_of_an_unknown_type_no_replacement_is_told() -> None:
    before, after = item({"name": "a"}, type_="aws:new/thing:Thing"), item({"name": "b"}, type_="aws:new/thing:Thing")
    (change,) = changes(graph(before), graph(after))
    assert not change.replaces


def test_options_that_guard_a_resource() -> None:
    assert properties(item({}, protect=True), item({}, protect=False)) == [("(protect)", "true", "false")]
