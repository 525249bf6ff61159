"""What the console's own calls cost: each counted, priced from a table, shown on the screen."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from console.domain import ApiUse


@dataclass(frozen=True, slots=True)
class CallPrice:
    """US dollars per call or per read unit, us-east-1 list prices without free tiers; `source` says where from."""

    usd: float
    source: str
    as_of: str = "2026-11-20"


DYNAMODB_READ_UNIT = CallPrice(0.125e-6, "DynamoDB on-demand price per million read request units")
"""Charged for what ConsumedCapacity reports, so an eventually consistent read of 4 KB is half of this."""

METRIC_READ = CallPrice(0.01e-3, "GetMetricData, $0.01 per 1,000 metrics requested")
_CLOUDWATCH_REQUEST = CallPrice(0.01e-3, "CloudWatch API requests, $0.01 per 1,000")
_SQS_REQUEST = CallPrice(0.40e-6, "SQS standard queues, $0.40 per million requests")
_SQS_CALLS = (
    *("GetQueueAttributes", "ReceiveMessage"),
    *("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"),
)

PRICES: dict[str, CallPrice] = {
    **{f"sqs:{call}": _SQS_REQUEST for call in _SQS_CALLS},
    "cloudwatch:DescribeAlarms": _CLOUDWATCH_REQUEST,
    "cloudwatch:DescribeAlarmHistory": _CLOUDWATCH_REQUEST,
    "cost-explorer:GetCostAndUsage": CallPrice(0.01, "Cost Explorer API, $0.01 per paginated request"),
    "execute-api:Invoke": CallPrice(1.0e-6, "API Gateway HTTP API, $1.00 per million"),
}
"""By botocore's name of the service's events. Calls that are not listed are free of charge (SSM standard parameters,
STS, SNS and SMS control plane, Lambda's configuration, FilterLogEvents, the tagging service); GetMetricData is paid by
the metric."""


FREE = CallPrice(0.0, "no charge for the call")


class SpendMeter:
    """Counts calls of all threads; `use` is the sum so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_call: dict[str, ApiUse] = {}

    def count(self, call: str) -> None:
        """One call on the wire, named `service:Operation`."""
        self._add(call, 1, PRICES.get(call, FREE).usd)

    def count_read_units(self, units: float, call: str = "dynamodb:Query") -> None:
        """What DynamoDB says a read consumed."""
        self._add(call, 0, units * DYNAMODB_READ_UNIT.usd)

    def count_metrics(self, metrics: int) -> None:
        """What one GetMetricData asks for: its metrics, not its expressions, cost money."""
        self._add("cloudwatch:GetMetricData", 0, metrics * METRIC_READ.usd)

    def _add(self, call: str, calls: int, usd: float) -> None:
        with self._lock:
            before = self._by_call.get(call, ApiUse())
            self._by_call[call] = ApiUse(before.calls + calls, before.usd + usd)

    @property
    def use(self) -> ApiUse:
        """Calls and dollars since the console started."""
        each = self.by_call().values()
        return ApiUse(sum(use.calls for use in each), math.fsum(use.usd for use in each))

    def by_call(self) -> Mapping[str, ApiUse]:
        """The same by `service:Operation`."""
        with self._lock:
            return dict(self._by_call)
