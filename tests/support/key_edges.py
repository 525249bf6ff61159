"""Who writes into something encrypted, read from a recorded graph, and whether a key policy lets them.

An edge is a service that acts on behalf of a source and puts something into a target. It is found where the program
says so: in rules, subscriptions, alarms, event destinations, log groups, and in the policies that let services in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.graph import RecordedGraph, Registration
from tests.support.iam_policies import matches

WRITE = frozenset({"kms:Decrypt", "kms:GenerateDataKey"})
"""What SQS and SNS ask of whoever puts a message in (SQS and SNS developer guides, "Key management")."""
LOGS = WRITE | {
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
"""CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs", its wildcards spelt out."""
KEY_INPUTS = {"LogGroup": "kmsKeyId", "Queue": "kmsMasterKeyId", "Topic": "kmsMasterKeyId"}
"""Types that services write into, and the input that says with which key they are encrypted."""
SENDS_NO_SOURCE = frozenset({"events.amazonaws.com"})
"""EventBridge passes neither source account nor source ARN on to KMS (SNS developer guide, "Key management")."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`service` writes into `target` because of `source`; all but the service are ARNs, the source maybe a pattern."""

    service: str
    source: str
    target: str


def edges_of(graph: RecordedGraph) -> set[Edge]:
    """Every edge to something that is encrypted with a key of the graph."""
    encrypted = {str(item.outputs["arn"]) for item in graph.registrations if _is_encrypted(item)}
    found = {edge for item in graph.registrations if item.custom for edge in _edges(item, graph)}
    return {edge for edge in found if edge.target in encrypted}


def gaps(edges: Iterable[Edge], statements: Iterable[Mapping[str, Any]], account_id: str) -> list[str]:
    """A sentence for each edge without its statement and each statement without its edge or its condition."""
    by_service = {item["Principal"]["Service"]: item for item in statements if "Service" in item["Principal"]}
    problems = []
    services = set()
    for edge in sorted(edges):
        services.add(edge.service)
        statement = by_service.get(edge.service)
        if statement is None:
            problems.append(f"{edge.service} may not use the key for {edge.target}")
        elif not _lets(statement.get("Condition", {}), edge, account_id):
            problems.append(f"the condition for {edge.service} leaves {edge.source} out")
    for service, statement in by_service.items():
        if service not in services:
            problems.append(f"{service} may use the key and writes into nothing")
        if set(statement["Action"]) != (LOGS if service.startswith("logs.") else WRITE):
            problems.append(f"{service} may do {', '.join(sorted(statement['Action']))}")
        if bool(statement.get("Condition")) == (service in SENDS_NO_SOURCE):
            problems.append(f"{service} may use the key {'never' if statement.get('Condition') else 'for anybody'}")
    return problems


def _lets(condition: Mapping[str, Mapping[str, str]], edge: Edge, account_id: str) -> bool:
    known = {"aws:SourceAccount": account_id, "aws:SourceArn": edge.source}
    if edge.service.startswith("logs."):
        known = {"kms:EncryptionContext:aws:logs:arn": edge.target}
    return all(
        key in known and (matches(value, known[key]) if operator == "ArnLike" else value == known[key])
        for operator, tests in condition.items()
        for key, value in tests.items()
    )


def _is_encrypted(item: Registration) -> bool:
    return KEY_INPUTS.get(item.type.rpartition(":")[2]) in item.inputs


def _edges(item: Registration, graph: RecordedGraph) -> Iterator[Edge]:
    inputs, arn = item.inputs, str(item.outputs.get("arn", ""))
    match item.type.rpartition(":")[2]:
        case "EventTarget":
            rule = next(each for each in graph.registrations if each.inputs.get("name") == inputs["rule"])
            for target in (inputs["arn"], inputs.get("deadLetterConfig", {}).get("arn")):
                yield Edge("events.amazonaws.com", str(rule.outputs["arn"]), str(target))
        case "TopicSubscription" if inputs["protocol"] == "sqs":
            dead_letters = json.loads(inputs.get("redrivePolicy", "{}")).get("deadLetterTargetArn")
            for target in (inputs["endpoint"], dead_letters):
                yield Edge("sns.amazonaws.com", str(inputs["topic"]), str(target))
        case "MetricAlarm" | "CompositeAlarm":
            for name in ("alarmActions", "okActions", "insufficientDataActions"):
                for target in inputs.get(name, ()):
                    yield Edge("cloudwatch.amazonaws.com", arn, target)
        case "LogGroup":
            yield Edge(f"logs.{arn.split(':')[3]}.amazonaws.com", "", arn)
        case "TopicPolicy" | "QueuePolicy":
            yield from _let_in(json.loads(inputs["policy"])["Statement"])


def _let_in(statements: Iterable[Mapping[str, Any]]) -> Iterator[Edge]:
    """Event destinations of the messaging services, budgets and the like: they are named where they are let in."""
    for statement in statements:
        if statement["Effect"] == "Allow":
            source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
            yield Edge(statement["Principal"]["Service"], source, statement["Resource"])
