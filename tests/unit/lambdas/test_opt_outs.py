"""Who is remembered as not to be written to: whoever a provider names, except destinations that reach nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from lambdas.adapters.dynamo import Table
from lambdas.adapters.opt_outs import OptOuts
from lambdas.core.channels import Channel
from lambdas.core.simulator import FAILURE_BY_COUNTRY, MAILBOXES, SUCCESS_BY_COUNTRY


class Written:
    """The one method of a table that remembering needs."""

    def __init__(self) -> None:
        self.keys: list[dict[str, str]] = []

    def update(self, key: Mapping[str, str], _expression: str, _values: Mapping[str, Any]) -> None:
        self.keys.append(dict(key))


def remembered(channel: Channel, destination: str) -> list[dict[str, str]]:
    table = Written()
    OptOuts(cast(Table, table), channel).remember(destination, "bounce")
    return table.keys


@pytest.mark.parametrize(
    ("channel", "destination"),
    [
        *((Channel.SMS, number) for number in (*SUCCESS_BY_COUNTRY.values(), *FAILURE_BY_COUNTRY.values())),
        *((Channel.EMAIL, address) for address in MAILBOXES.values()),
        (Channel.EMAIL, "bounce+20@simulator.amazonses.com"),
        (Channel.WHATSAPP, "+14254147167"),
    ],
)
def test_a_simulator_destination_is_never_remembered(channel: Channel, destination: str) -> None:
    assert remembered(channel, destination) == []


@pytest.mark.parametrize(
    ("channel", "destination"),
    [
        (Channel.SMS, "+14255550100"),
        (Channel.WHATSAPP, "+14255550100"),
        (Channel.EMAIL, "bounce@example.com"),
        (Channel.EMAIL, "nobody@simulator.amazonses.com"),
    ],
)
def test_anybody_else_is_remembered_on_the_channel(channel: Channel, destination: str) -> None:
    assert remembered(channel, destination) == [{"pk": f"RECIPIENT#{destination}", "sk": f"STATE#{channel}"}]
