"""The event that CloudWatch sends to EventBridge when an alarm changes state.

Shapes: CloudWatch user guide, "Alarm events and EventBridge", its samples for metric, math and composite alarms.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from localcloud.alarm_rule import alarm_from_api


class StateChangeEvents:
    """Makes PutEvents entries out of DescribeAlarms entries, remembering each alarm's state before the last change."""

    def __init__(self) -> None:
        self._earlier: dict[str, dict[str, Any]] = {}

    def entry(self, alarm: Mapping[str, Any], old: str) -> dict[str, Any]:
        """The PutEvents entry for `alarm`, which has just left the state `old`."""
        arn = str(alarm["AlarmArn"])
        state = _state(alarm)
        earlier = self._earlier.get(arn, {"reason": "Unchecked: Initial alarm creation"})
        self._earlier[arn] = state
        detail = {
            "alarmName": alarm["AlarmName"],
            "configuration": _configuration(alarm),
            "previousState": {**earlier, "value": old},
            "state": state,
        }
        return {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [arn],
            "Detail": json.dumps(detail),
        }

    def clear(self) -> None:
        """Forget every alarm."""
        self._earlier.clear()


def _state(alarm: Mapping[str, Any]) -> dict[str, Any]:
    moment = time.gmtime(alarm["StateUpdatedTimestamp"])
    state = {
        "value": alarm["StateValue"],
        "reason": alarm.get("StateReason", ""),
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", moment),
    }
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    return state


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The `configuration` of the event, in the shape of the user guide's samples ("Alarm events and EventBridge")."""
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {**described, "alarmRule": alarm["AlarmRule"]}
    metrics = []
    for query in alarm_from_api(alarm).queries:
        shown: dict[str, Any] = {"id": query.id, "returnData": query.return_data}
        if query.key is None:
            shown["expression"] = query.expression
        else:
            metric = {
                "namespace": query.key.namespace,
                "name": query.key.name,
                "dimensions": dict(query.key.dimensions),
            }
            shown["metricStat"] = {"metric": metric, "period": int(query.period), "stat": query.statistic}
        metrics.append(shown)
    return {**described, "metrics": metrics}
