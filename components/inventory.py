"""What the stack consists of, as far as somebody watches it: resources and alarms note themselves as they are made.

Components read it only after everything else exists (`Monitoring` is made last), so that a resource that is added
anywhere is on the dashboards without being named there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from lambdas.core.alarm_text import Severity

if TYPE_CHECKING:
    from components.event_rule import RuleToQueue
    from components.function import Function
    from components.http_api import HttpApi
    from components.queue import DeadLetterQueue, Queue
    from components.table import Table
    from components.topic import Topic
    from components.websocket_api import WebSocketApi


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAlarm:
    """An alarm that exists; a joint one notifies through the composite alarm."""

    name: str
    severity: Severity
    joint: bool
    resource: pulumi.Resource
    arn: pulumi.Output[str]


@dataclass(slots=True)
class Inventory:
    """Everything watched, in the order of its making."""

    alarms: list[KnownAlarm] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    stream_readers: list[Function] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    dead_letter_queues: list[DeadLetterQueue] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    apis: list[HttpApi] = field(default_factory=list)
    websocket_apis: list[WebSocketApi] = field(default_factory=list)
    rules: list[RuleToQueue] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)
