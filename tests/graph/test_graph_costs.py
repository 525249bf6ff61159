"""The cost model knows every type of the program."""

from __future__ import annotations

from typing import Any

from localcloud.costs import Usage, estimate


def test_every_type_has_a_price_or_a_reason(graph: Any) -> None:
    assert estimate(graph.recorded, Usage()).unpriced == ()


def test_the_model_knows_the_part_of_everything(graph: Any) -> None:
    lines = estimate(graph.recorded, Usage()).infrastructure
    assert [line.urn for line in lines if line.assumed] == []


def test_a_quiet_stack_costs_a_few_dollars(prod: Any) -> None:
    """docs/deploy.md: the key and the alarms; and the metrics, once something publishes them."""
    quiet = dict.fromkeys(Usage().to_mapping(), 0.0) | {"worker_messages_per_second": 1.0}
    found = estimate(prod.recorded, Usage(**quiet))
    services = {line.service: 0.0 for line in found.infrastructure}
    for line in found.infrastructure:
        services[line.service] += float(line.usd)
    assert services["KMS"] == 1
    assert found.messages_usd == 0
    assert 5 < found.infrastructure_usd < 25
