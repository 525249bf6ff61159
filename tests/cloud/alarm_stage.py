"""One provisioned stack with its alarms, and the calls that disturb it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.config import Config

from lambdas.core import metrics
from lambdas.core.alarm_text import parse_description
from localcloud.launch import LocalCloud
from tests.cloud.campaign_client import StackClient
from tests.cloud.conftest import WaitUntil

Alarm = dict[str, Any]


class Stage:
    """One provisioned stack, its alarms, and the calls that disturb it."""

    def __init__(self, cloud: LocalCloud, stack: StackClient, wait_until: WaitUntil) -> None:
        self.cloud, self.stack, self.wait_until = cloud, stack, wait_until
        self.cloudwatch, self.sqs, self.sns = (stack.client(name) for name in ("cloudwatch", "sqs", "sns"))
        self.events = stack.client("events")
        # A throttled invocation counts once: no repeats.
        self.functions = stack.client("lambda", config=Config(retries={"total_max_attempts": 1}))

    def alarms(self) -> list[Alarm]:
        """DescribeAlarms: every alarm of the stack, composite ones included."""
        prefix = self.stack.outputs.monitoring.alarm_name_prefix
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return [alarm for page in pages for alarm in (*page["MetricAlarms"], *page["CompositeAlarms"])]

    def total(self, metric: metrics.Metric, dimensions: Mapping[str, str]) -> float:
        """Sum of a metric of ours over the last day of the cloud's clock."""
        now = datetime.datetime.now(datetime.UTC)
        points = self.cloudwatch.get_metric_statistics(
            Namespace=metrics.NAMESPACE,
            MetricName=metric.name,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            Period=86_400,
            StartTime=now - datetime.timedelta(days=2),
            EndTime=now + datetime.timedelta(days=1),
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def queue_url(self, name: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def purge(self) -> None:
        """Empty every queue: what a cause left behind must not be the next one's."""
        for url in self.sqs.list_queues().get("QueueUrls", []):
            self.sqs.purge_queue(QueueUrl=url)

    def let_sweeps_end(self) -> None:
        """Wait until the last minute's ticks are worked off: a clock that outruns the sweeps makes their queues old."""
        outputs = self.stack.outputs
        urls = (outputs.campaigns.sweep_queue_url, outputs.sessions.session_sweep_queue_url)
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

        def none_left() -> bool:
            found = [self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls]
            return not any(int(number) for each in found for number in each.values())

        self.wait_until(none_left, what="the sweeps of the last minute have ended")

    def mappings(self, source: str = "") -> list[Mapping[str, Any]]:
        """Event source mappings, of the queue with that name if one is given."""
        found = self.functions.list_event_source_mappings()["EventSourceMappings"]
        return [each for each in found if not source or each["EventSourceArn"].endswith(f":{source}")]

    @contextmanager
    def broken(self, function: str) -> Iterator[None]:
        """A deployment gone wrong: the function's handler does not exist."""
        handler = self.functions.get_function_configuration(FunctionName=function)["Handler"]
        self.functions.update_function_configuration(FunctionName=function, Handler="lambdas.missing.handler")
        self.cloud.control.kill_function(function)
        try:
            yield
        finally:
            self.functions.update_function_configuration(FunctionName=function, Handler=handler)
            self.cloud.control.kill_function(function)
            self.purge()

    @contextmanager
    def closed(self, queue: str) -> Iterator[None]:
        """A queue whose policy lets nobody in."""
        url = self.queue_url(queue)
        policy = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        closed = json.loads(policy) | {
            "Statement": [s for s in json.loads(policy)["Statement"] if s["Effect"] == "Deny"]
        }
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(closed)})
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
            self.purge()


def dimension(alarm: Alarm, name: str) -> str:
    return next(str(each["Value"]) for each in alarm["Dimensions"] if each["Name"] == name)


def runbook(alarm: Alarm) -> str:
    """`function-errors` for an alarm of that family."""
    return parse_description(alarm["AlarmDescription"]).runbook.rpartition("/")[2].removesuffix(".md")
