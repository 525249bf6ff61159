"""The routes of a stack's channels as the text of one environment variable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel, Route, routes_from_text, routes_to_text
from tests.unit.core.test_content import json_values

rates = st.floats(0.001, 10_000)
routes = st.dictionaries(
    st.sampled_from(Channel), st.builds(Route, st.text(max_size=20), st.text(max_size=20), rates, rates)
)


@given(routes)
def test_routes_survive_their_text_in_the_order_of_the_channels(found: dict[Channel, Route]) -> None:
    read = routes_from_text(routes_to_text(found))
    assert read == found
    assert list(read) == [channel for channel in Channel if channel in found]
    assert all(route.rate == min(route.parts_per_second, route.requests_per_second) for route in read.values())


ROUTE = {"identity": "x", "work_queue_url": "u", "parts_per_second": 1.0, "requests_per_second": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "5", '{"fax":{}}', '{"sms":{}}', '{"sms":5}', "[" * 100_000,
        *(json.dumps({"sms": {**ROUTE, name: value}}) for name, value in (
            ("identity", 5), ("work_queue_url", None), ("parts_per_second", "fast"), ("parts_per_second", 0),
            ("requests_per_second", -1), ("requests_per_second", True), ("parts_per_second", float("nan")), ("x", 1),
        )),
    ],
)  # fmt: skip
def test_what_holds_no_routes_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="CHANNELS does not hold the routes"):
        routes_from_text(text)


@given(json_values)
def test_garbage_is_a_value_error(value: object) -> None:
    if value == {}:
        return
    with pytest.raises(ValueError, match="CHANNELS"):
        routes_from_text(json.dumps(value))


def test_metrics_name_channels_in_capitals() -> None:
    assert [channel.metric for channel in Channel] == ["SMS", "WHATSAPP", "EMAIL"]
