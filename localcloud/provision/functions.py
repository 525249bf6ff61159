"""Lambda functions, layers, event source mappings and permissions."""

from __future__ import annotations

from typing import Any

from localcloud.monitor import Created
from localcloud.provision.archive import zipped
from localcloud.provision.names import physical_name
from localcloud.provision.task import Provisioner, Task


def function(task: Task) -> Created:
    """A function from its archive."""
    name = task.named(longest=64)
    made = task.call("lambda", "create_function", FunctionName=name, Code={"ZipFile": zipped(task.inputs["code"])})
    if (reserved := task.inputs.get("reservedConcurrentExecutions", -1)) >= 0:
        task.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    arn = made["FunctionArn"].removesuffix(":" + made["Version"])
    return Created(name, {"name": name, "version": made["Version"], "arn": arn} | _addresses(task, arn, made))


def _addresses(task: Task, arn: str, made: dict[str, Any]) -> dict[str, Any]:
    return {
        "invokeArn": f"arn:aws:apigateway:{task.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        "qualifiedArn": f"{arn}:{made['Version']}",
        "codeSha256": made["CodeSha256"],
        "sourceCodeSize": made["CodeSize"],
        "lastModified": made["LastModified"],
    }


def layer_version(task: Task) -> Created:
    """One version of a layer from its archive."""
    made = task.call("lambda", "publish_layer_version", Content={"ZipFile": zipped(task.inputs["code"])})
    arn = made["LayerVersionArn"]
    return Created(arn, {"arn": arn, "layerArn": made["LayerArn"], "version": str(made["Version"])})


def event_source_mapping(task: Task) -> Created:
    """A mapping from a queue or stream to a function, with every setting."""
    made = task.call("lambda", "create_event_source_mapping", {"Destination": "destinationArn"})
    arn = task.arn("lambda", f"event-source-mapping:{made['UUID']}")
    return Created(
        made["UUID"], {"uuid": made["UUID"], "arn": arn, "functionArn": made["FunctionArn"], "state": made["State"]}
    )


def permission(task: Task) -> Created:
    """A statement in a function's resource policy."""
    statement = str(task.inputs.get("statementId") or physical_name(task.name, task.urn, 100))
    task.call("lambda", "add_permission", {"FunctionName": "function"}, StatementId=statement)
    return Created(statement, {"statementId": statement})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:lambda/function:Function": function,
    "aws:lambda/layerVersion:LayerVersion": layer_version,
    "aws:lambda/eventSourceMapping:EventSourceMapping": event_source_mapping,
    "aws:lambda/permission:Permission": permission,
}
