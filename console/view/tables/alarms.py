"""Alarms as rows."""

from __future__ import annotations

from collections.abc import Sequence

from console import partitions
from console.domain import Alarm, AlarmState, StackFacts
from console.invocations import aws
from console.view import format as fmt
from console.view.glyphs import Glyphs, alarm_badge
from console.view.segments import Line, Role, line
from console.view.table import Column, Kind, Look

ORDER = {AlarmState.ALARM: 0, AlarmState.NODATA: 1, AlarmState.OK: 2}


def urgency(alarm: Alarm) -> tuple[int, bool, float]:
    """Sorts the loud and new ones first."""
    return (ORDER[alarm.state], alarm.severity != "critical", -(alarm.since or 0.0))


def _state(alarm: Alarm, look: Look) -> str:
    return alarm_badge(alarm, look.glyphs).text


def _since(alarm: Alarm, look: Look) -> str:
    return fmt.age(None if alarm.since is None else look.now - alarm.since)


def _name(alarm: Alarm, look: Look) -> str:
    return alarm.name.removeprefix(look.prefix) or alarm.name


def arn(alarm: Alarm, stack: StackFacts) -> str:
    """The alarm's ARN (CloudWatch, "Actions, resources, and condition keys")."""
    return partitions.arn("cloudwatch", stack.region, stack.account_id, f"alarm:{alarm.name}")


def command(alarm: Alarm, stack: StackFacts) -> Sequence[str]:
    """All that CloudWatch says of the alarm, be it a composite one."""
    kinds = ("--alarm-types", "MetricAlarm", "CompositeAlarm")
    return aws(stack, "cloudwatch", "describe-alarms", "--alarm-names", alarm.name, *kinds)


KIND: Kind[Alarm] = Kind(
    name="alarms",
    columns=(
        Column(
            "state",
            8,
            _state,
            key=urgency,
            role=lambda alarm: alarm_badge(alarm).role,
            badge=lambda alarm: alarm_badge(alarm).badge,
        ),
        Column("name", 0, _name, role=lambda alarm: Role.STRONG if alarm.state is AlarmState.ALARM else Role.PLAIN),
        Column("severity", 8, lambda alarm, _: alarm.severity, role=lambda _: Role.MUTED),
        Column("reason", 0, lambda alarm, _: alarm.reason, role=lambda _: Role.MUTED, need=100, share=2),
        Column("since", 5, _since, key=lambda alarm: alarm.since, role=lambda _: Role.MUTED, right=True, live=True),
    ),
    id=lambda alarm: alarm.name,
    sort="state",
    arn=arn,
    command=command,
)


def details(alarm: Alarm, now: float, glyphs: Glyphs) -> list[Line]:
    """One alarm with all that DescribeAlarms says of it: state, meaning, reason, runbook."""
    since = None if alarm.since is None else now - alarm.since
    lines = [
        line(alarm_badge(alarm, glyphs), " ", (alarm.name, Role.STRONG)),
        line((f"{alarm.severity}, for {fmt.span(since)}", Role.MUTED)),
    ]
    lines += [line(text) for text in (alarm.meaning, alarm.reason) if text]
    if alarm.runbook:
        lines.append(line(("runbook ", Role.MUTED), (alarm.runbook, Role.ACCENT)))
    return lines
