"""Which documented events the rules on the default bus let in: each by the rule of its channel, and by no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.core.channels import Channel
from lambdas.core.email_receipts import DETAIL_TYPES, KINDS
from tests.support import golden
from tests.support.configured_channels import is_configured
from tests.support.event_patterns import matches

ON_BUS = [sample for sample in golden.load_all() if sample.is_on_bus]


def of_stack(sample: golden.Golden, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The sample as if it came from what the stack sends with: AWS's own numbers and sets are of its examples."""
    detail = dict(sample.event["detail"])
    if sample.channel == Channel.EMAIL:
        tags = {**detail["mail"].get("tags", {}), "ses:configuration-set": [outputs["EmailConfigurationSet"]]}
        detail["mail"] = {**detail["mail"], "tags": tags}
    return {**sample.event, "detail": detail}


def rules_of(graph: Any) -> dict[str, dict[str, Any]]:
    """Patterns of the rules on the default bus, by name."""
    return {
        item.inputs["name"]: json.loads(item.inputs["eventPattern"])
        for item in graph.all("EventRule")
        if "eventPattern" in item.inputs and "eventBusName" not in item.inputs
    }


@pytest.mark.parametrize("sample", ON_BUS, ids=lambda sample: sample.name)
def test_an_event_is_matched_by_its_rule_and_no_other(graph: Any, sample: golden.Golden) -> None:
    outputs = graph.recorded.stack_outputs
    event = of_stack(sample, outputs)
    found = [name for name, pattern in rules_of(graph).items() if matches(pattern, event)]
    if sample.rule is None or not is_configured(sample.channel, outputs):
        assert found == []
    else:
        assert found == [f"{outputs['Project']}-{sample.rule}-{outputs['Stack']}"]


@pytest.mark.parametrize("sample", [s for s in ON_BUS if s.channel == Channel.EMAIL], ids=lambda sample: sample.name)
def test_what_other_stacks_of_the_account_sent_stays_out(graph: Any, sample: golden.Golden) -> None:
    assert not [name for name, pattern in rules_of(graph).items() if matches(pattern, sample.event)]


def test_the_rule_of_email_asks_for_what_the_configuration_set_publishes(evaluate: Any) -> None:
    destinations = [
        item.inputs["eventDestination"]
        for item in evaluate("local").registrations
        if item.type.startswith("aws:sesv2/configurationSetEventDestination:")
    ]
    (published,) = {frozenset(destination["matchingEventTypes"]) for destination in destinations}
    asked_for = {
        KINDS[DETAIL_TYPES[sample.event["detail-type"]]].matching
        for sample in ON_BUS
        if sample.channel == Channel.EMAIL and sample.rule is not None
    }
    assert asked_for == published


@pytest.mark.parametrize("change", [{"source": "acme.messaging"}, {"detail-type": "Registration Status Change"}])
def test_what_is_no_receipt_of_a_service_stays_out(graph: Any, change: dict[str, str]) -> None:
    for sample in ON_BUS:
        assert not [name for name, pattern in rules_of(graph).items() if matches(pattern, sample.event | change)]
