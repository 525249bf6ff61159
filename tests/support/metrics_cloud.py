"""ministack's CloudWatch with our metrics plane behind it, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, sns, sqs

from lambdas.core import metrics
from localcloud import metrics_plane
from localcloud.clock import Clock
from localcloud.metrics_plane import MetricsPlane

ACCOUNT, REGION = "123456789012", "eu-west-1"
STACK = [{"Name": "Stack", "Value": "dev"}]


class Wall:
    """A wall and a monotonic clock that move together, a fixed distance from the machine's."""

    def __init__(self) -> None:
        # The start of a minute lets tests say which period a datum falls into.
        self.now = float(int(time.time()) // 600 * 600)

    def __call__(self) -> float:
        return self.now


@dataclass
class Cloud:
    """The plane with its clock, and CloudWatch's API in front of it."""

    plane: MetricsPlane
    clock: Clock
    wall: Wall

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """The answer of an operation that has to succeed."""
        status, answer = self.raw(operation, **request)
        assert status == 200, answer
        return answer

    def raw(self, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
        """Status and answer of an operation."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{operation}",
        }
        with request_scope(ACCOUNT, REGION):
            handling = cloudwatch.handle_request("POST", "/", headers, json.dumps(request).encode(), {})
            status, _, body = asyncio.run(handling)
        return status, json.loads(body)

    def state(self, name: str) -> str:
        """The state of an alarm of either kind."""
        answer = self.call("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        found: list[dict[str, Any]] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        assert len(found) == 1
        return str(found[0]["StateValue"])

    def alarm(self, name: str, **changes: Any) -> None:
        """Put an alarm on failed deliveries: more than 50 in ten minutes, but for `changes`."""
        plain: dict[str, Any] = {
            "AlarmName": name,
            "Namespace": metrics.NAMESPACE,
            "MetricName": "FailedDeliveries",
            "Dimensions": STACK,
            "Statistic": "Sum",
            "Period": 600,
            "EvaluationPeriods": 1,
            "Threshold": 50,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.call("PutMetricAlarm", **{**plain, **changes})

    def log(self, *data: metrics.Datum) -> None:
        """Let a function log metrics now."""
        at = int(self.wall.now * 1000)
        lines = metrics.emf_lines(data, stack="dev", at_ms=at)
        events = [{"timestamp": at, "message": line} for line in ["START RequestId: 1", *lines]]
        self.plane.intake.on_log_events("/aws/lambda/worker", "stream", events)


def failures(count: int) -> metrics.Datum:
    """So many failed deliveries."""
    return metrics.Datum(metrics.FAILED_DELIVERIES, count)


@contextlib.contextmanager
def metrics_cloud(speed: float = 1.0) -> Iterator[Cloud]:
    """A plane put into ministack for a while, on a clock that runs `speed` times as fast as its wall."""
    wall = Wall()
    clock = Clock(speed, wall=wall, monotonic=wall)
    plane = metrics_plane.install(clock=clock, speed=speed, region=REGION, account_id=ACCOUNT)
    yield Cloud(plane, clock, wall)
    with request_scope(ACCOUNT, REGION):
        for module in (cloudwatch, eventbridge, sns, sqs):
            module.reset()
    plane.stop()
