"""The cost model knows every type of the program."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from localcloud.costs import Usage, estimate
from localcloud.costs.model import channels


def test_every_type_has_a_price_or_a_reason(graph: Any) -> None:
    assert estimate(graph.recorded, Usage()).unpriced == ()


def test_the_model_knows_the_part_of_everything(graph: Any) -> None:
    lines = estimate(graph.recorded, Usage()).infrastructure
    assert [line.urn for line in lines if line.assumed] == []


DOCUMENTED = {
    ("KMS", "key"): "the key",
    ("CloudWatch", "alarm"): "alarms",
    ("CloudWatch", "composite alarm"): "alarms",
    ("CloudWatch", "dashboard"): "two dashboards",
    ("CloudWatch", "custom metrics"): "custom metrics",
    ("SQS", "idle polls"): "idle polls of the queues",
    ("Lambda", "requests"): "the sweeps, every minute",
    ("Lambda", "compute"): "the sweeps, every minute",
    ("X-Ray", "traces"): "the sweeps, every minute",
    ("SQS", "requests"): "the sweeps, every minute",
    ("DynamoDB", "reads"): "the sweeps, every minute",
}
"""Service and item of a line -> its row in docs/deploy.md, "What a quiet stack costs"."""


def test_a_quiet_stack_costs_what_is_documented(prod: Any, root: Path) -> None:
    quiet = dict.fromkeys(Usage().to_mapping(), 0.0) | {"worker_messages_per_second": 1.0}
    assert channels(prod.recorded) == ("sms",)
    found = estimate(prod.recorded, Usage(**quiet))
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for line in found.infrastructure:
        if line.usd:
            costs[DOCUMENTED[line.service, line.item]] += line.usd
            costs["together"] += line.usd
    section = (root / "docs" / "deploy.md").read_text(encoding="utf-8").partition("## What a quiet stack costs")[2]
    table = dict(re.findall(r"^\| (.+?) \| ([0-9.]+) \|$", section, re.MULTILINE))
    assert {name: f"{usd:.2f}" for name, usd in costs.items()} == table
    assert found.messages_usd == 0
    assert len([line for line in found.infrastructure if line.item == "dashboard"]) == 2
