"""Addresses of AWS's console in a browser, of a stack's alarms, queues, tables, functions and log groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from console.domain import StackFacts
from console.partitions import partition_of
from console.telemetry import Resource


def _plain(name: str, _: StackFacts) -> str:
    return quote(name, safe="")


def _queue(name: str, stack: StackFacts) -> str:
    """A queue is named by its URL ("Amazon SQS queue and message identifiers", SQS developer guide)."""
    url = f"https://sqs.{stack.region}.{partition_of(stack.region).domain}/{stack.account_id}/{name}"
    return quote(url, safe="")


def _log_group(name: str, _: StackFacts) -> str:
    """Encoded twice, with `$` for `%` the second time."""
    return quote(quote(name.removesuffix(":*"), safe=""), safe="").replace("%", "$")


PAGES: Mapping[tuple[str, str], tuple[str, Callable[[str, StackFacts], str]]] = {
    ("cloudwatch", "alarm"): ("/cloudwatch/home?region={region}#alarmsV2:alarm/{name}", _plain),
    ("dynamodb", "table"): ("/dynamodbv2/home?region={region}#table?name={name}", _plain),
    ("lambda", "function"): ("/lambda/home?region={region}#/functions/{name}", _plain),
    ("logs", "log-group"): ("/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}", _log_group),
    ("sqs", "queue"): ("/sqs/v3/home?region={region}#/queues/{name}", _queue),
}
"""By service and kind of an ARN: the page, and how it writes the name."""


def page_of(service: str, kind: str, name: str, stack: StackFacts) -> str:
    """The page of a resource; empty where none is known, and for an embedded cloud, which has none."""
    if stack.environment == "local" or (service, kind) not in PAGES:
        return ""
    path, written = PAGES[service, kind]
    host = partition_of(stack.region).console
    return f"https://{stack.region}.{host}{path.format(region=stack.region, name=written(name, stack))}"


def resource_page(resource: Resource, stack: StackFacts) -> str:
    """The page of something that carries the stack's tags."""
    return page_of(resource.service, resource.kind, resource.name, stack)
