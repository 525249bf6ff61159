"""EventBridge buses, rules and targets."""

from __future__ import annotations

from localcloud.graph import ProgramError
from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task

_DEFAULT_BUS = "default"


def bus(task: Task) -> Created:
    """An event bus."""
    name = task.named(longest=256)
    arn = task.call("events", "create_event_bus", Name=name)["EventBusArn"]
    return Created(name, {"name": name, "arn": arn})


def rule(task: Task) -> Created:
    """A rule by pattern or schedule."""
    name = task.named(longest=64)
    state = task.inputs.get("state")
    if state is None:
        state = "DISABLED" if task.inputs.get("isEnabled") is False else "ENABLED"
    arn = task.call("events", "put_rule", Name=name, State=state)["RuleArn"]
    bus_name = task.inputs.get("eventBusName", _DEFAULT_BUS)
    id_ = name if bus_name == _DEFAULT_BUS else f"{bus_name}/{name}"
    return Created(id_, {"name": name, "arn": arn, "state": state, "eventBusName": bus_name})


def target(task: Task) -> Created:
    """A target of a rule."""
    name = task.named("targetId", longest=64)
    source = {"rule": task.inputs["rule"], "targets": task.inputs}
    bus_name = task.inputs.get("eventBusName", _DEFAULT_BUS)
    names = {"Id": "targetId", "InputPathsMap": "inputPaths", "SqsParameters": "sqsTarget"}
    parameters = task.fitted("events", "put_targets", names, source=source, EventBusName=bus_name)
    parameters["Targets"][0]["Id"] = name
    answer = task.client("events").put_targets(**parameters)
    for entry in answer.get("FailedEntries", []):
        raise ProgramError(f"EventBridge refused the target: {entry['ErrorMessage']}; correct it in the program")
    prefix = "" if bus_name == _DEFAULT_BUS else f"{bus_name}/"
    return Created(f"{prefix}{task.inputs['rule']}-{name}", {"targetId": name, "eventBusName": bus_name})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:cloudwatch/eventBus:EventBus": bus,
    "aws:cloudwatch/eventRule:EventRule": rule,
    "aws:cloudwatch/eventTarget:EventTarget": target,
}
