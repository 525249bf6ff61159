"""Metrics on their way into the store: log lines, PutMetricData, what services count, and what is refused."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, lambda_svc, sqs

from lambdas.core import metrics
from tests.support.metrics_cloud import ACCOUNT, REGION, STACK, Cloud, failures, metrics_cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with metrics_cloud() as made:
        yield made


def test_put_metric_data_reaches_alarms_and_readers(cloud: Cloud) -> None:
    cloud.alarm("failed", Threshold=100, Period=60)
    start = cloud.wall.now
    datum = {"MetricName": "FailedDeliveries", "Dimensions": STACK, "Timestamp": start}
    cloud.call(
        "PutMetricData",
        Namespace=metrics.NAMESPACE,
        MetricData=[
            {**datum, "Values": [10.0, 20.0], "Counts": [3.0, 1.0]},
            {**datum, "StatisticValues": {"SampleCount": 2, "Sum": 60, "Minimum": 20, "Maximum": 40}},
            {**datum, "Value": 1.0},
        ],
    )
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["failed"] == "ALARM"

    cloud.wall.now += 60
    stat = {"Metric": {"Namespace": metrics.NAMESPACE, "MetricName": "FailedDeliveries", "Dimensions": STACK}}
    query = {"Id": "m1", "MetricStat": {**stat, "Period": 60, "Stat": "Sum"}}
    # The clock was moved by a minute, so on the chart the data are a minute older than they were.
    answer = cloud.call("GetMetricData", MetricDataQueries=[query], StartTime=start - 120, EndTime=start + 120)
    assert answer["MetricDataResults"][0]["Values"] == [111.0]
    assert answer["MetricDataResults"][0]["Timestamps"] == [start - 60]

    both = cloud.call(
        "GetMetricStatistics",
        **stat["Metric"],
        Period=60,
        StartTime=start - 120,
        EndTime=start,
        Statistics=["Maximum", "SampleCount"],
    )
    assert [(point["Maximum"], point["SampleCount"]) for point in both["Datapoints"]] == [(40.0, 7.0)]
    listed = cloud.call("ListMetrics", Namespace=metrics.NAMESPACE)["Metrics"]
    assert listed == [{**stat["Metric"]}]


def queue(name: str) -> dict[str, Any]:
    with request_scope(ACCOUNT, REGION):
        _, _, _ = asyncio.run(
            sqs.handle_request(
                "POST",
                "/",
                {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.CreateQueue"},
                json.dumps({"QueueName": name}).encode(),
                {},
            )
        )
        found: dict[str, Any] = next(each for each in sqs._queues.values() if each["name"] == name)
    return found


def test_the_gauges_of_a_queue_are_sampled(cloud: Cloud) -> None:
    dead = queue("sms-dlq")
    dimensions = [{"Name": "QueueName", "Value": "sms-dlq"}]
    changes = {"Namespace": "AWS/SQS", "Dimensions": dimensions, "Period": 60, "Threshold": 0, "Statistic": "Maximum"}
    cloud.alarm("dead-letters", MetricName="ApproximateNumberOfMessagesVisible", **changes)
    cloud.alarm("age", MetricName="ApproximateAgeOfOldestMessage", **{**changes, "Threshold": 100})
    cloud.plane.evaluate_all()
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all() == {"dead-letters": "OK", "age": "OK"}

    dead["messages"].append({"sent_at": time.time() - 200, "visible_at": 0.0, "receive_count": 0})
    cloud.clock.advance(300)
    assert cloud.plane.evaluate_all() == {"dead-letters": "ALARM", "age": "ALARM"}
    assert {key.name for key in cloud.plane.store.metrics()} == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateAgeOfOldestMessage",
    }


def test_a_table_never_throttles(cloud: Cloud) -> None:
    table = [{"Name": "TableName", "Value": "campaigns"}]
    changes = {"Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents", "Dimensions": table, "Period": 60}
    cloud.alarm("throttled", Threshold=0, **changes)
    cloud.plane.evaluate_all()
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["throttled"] == "OK"


def test_a_refused_invocation_is_a_throttle_and_no_invocation(cloud: Cloud) -> None:
    with request_scope(ACCOUNT, REGION):
        function = {"config": {"FunctionName": "worker"}, "concurrency": 0}
        assert lambda_svc._acquire_execution_slot(function, function["config"]) == (None, "function")
    names = {key.name for key in cloud.plane.store.metrics()}
    assert names == {"Throttles"}


def test_ministack_no_longer_counts_invocations_itself(cloud: Cloud) -> None:
    lambda_svc._emit_lambda_metrics("worker", duration_ms=1.0, error=True, throttle=True)
    assert not cloud.plane.store.metrics()


def test_metrics_that_ministack_records_land_in_the_store(cloud: Cloud) -> None:
    cloudwatch.record_metric("AWS/Lambda", "RecursiveInvocationsDropped", 1, "Count", {"FunctionName": "worker"})
    (key,) = cloud.plane.store.metrics()
    assert key.name == "RecursiveInvocationsDropped"


def test_a_reset_empties_the_store(cloud: Cloud) -> None:
    cloud.log(failures(1))
    with request_scope(ACCOUNT, REGION):
        cloudwatch.reset()
    assert not cloud.plane.store.metrics()


def test_wrong_embedded_lines_are_counted_and_the_rest_stored(cloud: Cloud) -> None:
    cloud.log(failures(1))
    cloud.plane.intake.on_log_events(
        "g", "s", [{"timestamp": 0, "message": '{"_aws": {'}, {"timestamp": 0, "message": "plain"}]
    )
    assert (cloud.plane.intake.embedded_data, cloud.plane.intake.embedded_errors) == (1, 1)


def test_data_far_from_now_or_not_finite_are_refused(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    datum = {"MetricName": "M", "Value": 1.0, "Timestamp": time.time() - 15 * 86_400}
    cloud.call("PutMetricData", Namespace="N", MetricData=[datum, {"MetricName": "M", "Value": float("nan")}])
    cloud.call("PutMetricData", Namespace="N", MetricData=[{"MetricName": "M", "Value": 2.0**361}])
    assert not cloud.plane.store.metrics()
    assert "values must be within 2^360" in caplog.text
