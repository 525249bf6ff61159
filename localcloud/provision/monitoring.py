"""CloudWatch log groups, alarms and dashboards."""

from __future__ import annotations

from typing import Any

from localcloud.monitor import Created
from localcloud.provision.fit import Inputs
from localcloud.provision.task import Provisioner, Task


def log_group(task: Task) -> Created:
    """A log group with its retention."""
    name = task.named(longest=512)
    task.call("logs", "create_log_group", logGroupName=name)
    if days := task.inputs.get("retentionInDays"):
        task.client("logs").put_retention_policy(logGroupName=name, retentionInDays=days)
    return Created(name, {"name": name, "arn": task.arn("logs", f"log-group:{name}")})


def metric_alarm(task: Task) -> Created:
    """An alarm on one metric or on metric math."""
    name = task.named()
    queries = [_query(item) for item in task.inputs.get("metricQueries", [])]
    parameters = task.fitted("cloudwatch", "put_metric_alarm", AlarmName=name, Metrics=None)
    if queries:
        parameters |= task.fitted("cloudwatch", "put_metric_alarm", source={"metrics": queries})
    task.client("cloudwatch").put_metric_alarm(**parameters)
    return Created(name, {"name": name, "arn": task.arn("cloudwatch", f"alarm:{name}")})


def _query(query: Inputs) -> dict[str, Any]:
    """The provider puts period, statistic and unit beside the metric's name, AWS one level up."""
    described = {key: query[key] for key in query if key != "metric"}
    if metric := query.get("metric"):
        statistic = {key: metric[key] for key in ("period", "stat", "unit") if key in metric}
        described["metricStat"] = {"metric": metric, **statistic}
    return described


def composite_alarm(task: Task) -> Created:
    """An alarm on other alarms' states."""
    suppressor = task.inputs.get("actionsSuppressor")
    names = {"ActionsSuppressor": "alarm", "ActionsSuppressorWaitPeriod": "waitPeriod"}
    names["ActionsSuppressorExtensionPeriod"] = "extensionPeriod"
    parameters = task.fitted(
        "cloudwatch",
        "put_composite_alarm",
        ActionsSuppressor=None,
        ActionsSuppressorWaitPeriod=None,
        ActionsSuppressorExtensionPeriod=None,
    )
    if suppressor:
        parameters |= task.fitted("cloudwatch", "put_composite_alarm", names, source=suppressor)
    task.client("cloudwatch").put_composite_alarm(**parameters)
    name = task.inputs["alarmName"]
    return Created(name, {"arn": task.arn("cloudwatch", f"alarm:{name}")})


def dashboard(task: Task) -> Created:
    """A dashboard."""
    task.call("cloudwatch", "put_dashboard")
    name = task.inputs["dashboardName"]
    return Created(name, {"dashboardArn": task.arn("cloudwatch", f"dashboard/{name}", region="")})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": metric_alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": composite_alarm,
    "aws:cloudwatch/dashboard:Dashboard": dashboard,
}
