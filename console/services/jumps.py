"""Where an alarm leads, as data: the functions whose log lines concern it, the minutes around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.domain import Alarm, AlarmState
from console.places import Place
from console.queues import StackQueue, physical_name, queues_of
from console.sources.deployments import functions_of
from console.telemetry import AlarmDetail, AlarmRule
from lambdas.core.outputs import StackOutputs

AROUND = 600.0
"""Seconds of logs on each side of an alarm's change."""


CONSUMERS: Mapping[str, str] = {
    "receipts": "delivery_processor_function",
    "outbox": "message_sender_function",
    "legs": "message_sender_function",
    "fallback": "fallback_function",
    "plan": "campaign_planner_function",
    "sms-work": "sms_worker_function",
    "whatsapp-work": "whatsapp_worker_function",
    "email-work": "email_worker_function",
    "sweep": "sweeper_function",
    "campaign-counters": "campaign_counters_function",
    "session-sweep": "session_notifier_function",
    "session-notifier": "session_notifier_function",
}
"""Which function takes the messages of a queue, and could not do what lies in its dead-letter queue: the queue's short
name, the function's output."""
ANSWERS_THE_API = "campaign_api_function"
ANSWER_ON_SOCKETS = (
    "session_authorizer_function",
    "session_connection_function",
    "session_heartbeat_function",
    "session_disconnect_function",
    "session_refresh_function",
    "session_broadcaster_function",
)
"""Outputs of the functions behind each of the two APIs."""


def log_groups_of(rule: AlarmRule | None, outputs: StackOutputs) -> tuple[str, ...]:
    """Short names of the functions whose logs concern an alarm; empty where all may."""
    if rule is None:
        return ()
    names = _values(rule, "FunctionName")
    queues = _values(rule, "QueueName")
    for queue in queues_of(outputs):
        if queue.name in CONSUMERS and {physical_name(queue.url), physical_name(queue.dead_letters_url)} & set(queues):
            names.append(_output(outputs, CONSUMERS[queue.name]))
    for api_id in _values(rule, "ApiId"):
        on_sockets = api_id in outputs.sessions.websocket_api_endpoint
        names += [_output(outputs, field) for field in (ANSWER_ON_SOCKETS if on_sockets else (ANSWERS_THE_API,))]
    functions = functions_of(outputs)
    return tuple(dict.fromkeys(functions[name] for name in names if name in functions))


def groups_of_rules(rules: Iterable[AlarmRule], outputs: StackOutputs) -> tuple[str, ...]:
    """The same for rules together, as those of a composite alarm's children: the functions that any of them names."""
    return tuple(dict.fromkeys(group for rule in rules for group in log_groups_of(rule, outputs)))


def loud_children(detail: AlarmDetail, alarms: Iterable[Alarm]) -> tuple[str, ...]:
    """Names of the alarms that a composite alarm is up for: its children in ALARM, all of them where none is."""
    loud = {alarm.name for alarm in alarms if alarm.state is AlarmState.ALARM}
    return tuple(name for name in detail.children if name in loud) or detail.children


def consumer_of(queue: StackQueue, outputs: StackOutputs) -> str:
    """The short name of the function that takes a queue's messages; empty for a queue without one."""
    return functions_of(outputs).get(_output(outputs, CONSUMERS[queue.name]), "") if queue.name in CONSUMERS else ""


def alarms_of(queue: StackQueue, alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The alarms about a queue's dead letters, which end as it does."""
    return tuple(alarm for alarm in alarms if alarm.name.endswith(f"-{queue.dead_letters_name}"))


def _output(outputs: StackOutputs, field: str) -> str:
    return next(str(getattr(part, field)) for part in outputs.components() if hasattr(part, field))


def _values(rule: AlarmRule, dimension: str) -> list[str]:
    text = rule.dimensions.get(dimension, "")
    return text.split(", ") if text else []


def turned_at(alarm: Alarm, detail: AlarmDetail | None, now: float) -> float:
    """The moment that an alarm is about: when it last went up, else when it last changed."""
    rise = None if detail is None else detail.last_rise
    return next((at for at in (rise, alarm.since) if at is not None), now)


def logs_place(groups: Iterable[str], at: float) -> Place:
    """The logs of `groups` (all where there are none) around a moment."""
    return Place("logs", ",".join(groups), {"from": f"{at - AROUND:.0f}", "to": f"{at + AROUND:.0f}"})
