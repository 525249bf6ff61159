"""What the console's own calls cost, counted where botocore makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import Stubber

from console.sources.clients import Clients, local_target
from console.spend import METRIC_READ, PRICES, SpendMeter

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def operations() -> dict[str, set[str]]:
    """The operations of botocore's services by the name that its events have."""
    session = Session()
    models = [session.get_service_model(name) for name in ("sqs", "cloudwatch", "ce")]
    return {model.service_id.hyphenize(): set(model.operation_names) for model in models}


@pytest.mark.parametrize("call", [call for call in PRICES if not call.startswith("execute-api:")])
def test_prices_are_of_calls_as_botocore_names_them(call: str, operations: dict[str, set[str]]) -> None:
    service, _, operation = call.partition(":")
    assert operation in operations[service]


def test_metric_data_is_paid_by_the_metric_and_not_by_the_expression() -> None:
    clients = Clients(local_target("http://127.0.0.1:9", ACCOUNT, "us-east-1"))
    client = clients.client("cloudwatch")
    stat: dict[str, Any] = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    queries = [*({"Id": f"m{number}", "MetricStat": stat} for number in range(3)), {"Id": "e", "Expression": "m0 + m1"}]
    with Stubber(client) as stubber:
        stubber.add_response("get_metric_data", {"MetricDataResults": []})
        client.get_metric_data(
            MetricDataQueries=queries,
            StartTime=datetime(2026, 11, 21, tzinfo=UTC),
            EndTime=datetime(2026, 11, 22, tzinfo=UTC),
        )
    assert clients.meter.use.usd == pytest.approx(3 * METRIC_READ.usd)


def test_spend_is_counted_per_call_and_per_read_unit() -> None:
    meter = SpendMeter()
    for _ in range(1000):
        meter.count("cloudwatch:DescribeAlarms")
    meter.count("dynamodb:Query")
    meter.count_read_units(1_000_000)
    meter.count("sts:GetCallerIdentity")
    assert meter.use.calls == 1002
    assert meter.use.usd == pytest.approx(0.01 + 0.125)
