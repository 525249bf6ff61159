"""Where an alarm leads, as choices of a menu: the list of alarms offers them for a row, an alarm for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.domain import Alarm
from console.places import Place
from console.services.aws_pages import page_of
from console.services.jumps import groups_of_rules, logs_place, loud_children, turned_at
from console.services.runbooks import page_name
from console.telemetry import AlarmDetail, AlarmRule
from console.ui.aws_pages import page_choices
from console.ui.choices import Choice
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen


def alarm_jumps(
    screen: ConsoleScreen, alarm: Alarm, detail: AlarmDetail | None, metric: Callable[[], None] | None = None
) -> Sequence[Choice]:
    """Metric, logs, runbook, deployments and AWS's page; `metric` shows the metric, the alarm's own place does else.

    Without `detail` the alarm is read before its logs are opened, as its rule says whose logs they are; of a composite
    alarm the rules of its children are.
    """
    desk = screen.desk
    place = Place("alarms", alarm.name)
    found = [
        Choice("m", "metric", "with its threshold and the alarm's window", metric or (lambda: desk.go(place))),
        Choice("l", "logs", "10 minutes on each side of its last rise", lambda: _logs(screen, alarm, detail)),
    ]
    if alarm.runbook:
        runbook = Place("runbooks", page_name(alarm.runbook) or alarm.runbook)
        found.append(Choice("b", "runbook", alarm.runbook, lambda: desk.go(runbook)))
    found.append(Choice("d", "deployments", "what changed when", lambda: desk.go(Place("deployments"))))
    return [*found, *page_choices(desk, page_of("cloudwatch", "alarm", alarm.name, desk.stack))]


def _logs(screen: ConsoleScreen, alarm: Alarm, detail: AlarmDetail | None) -> None:
    desk = screen.desk
    if detail is not None and detail.rule is not None:
        desk.go(_logs_place(desk, alarm, detail, [detail.rule]))
        return
    known = desk.monitor.overview.alarms.value or ()
    screen.look_up(
        f"logs of {alarm.name.removeprefix(desk.stack.alarm_prefix)}",
        lambda: _read(desk, alarm, detail, known),
        lambda found: desk.go(_logs_place(desk, alarm, *found)),
    )


def _read(
    desk: Desk, alarm: Alarm, detail: AlarmDetail | None, known: Sequence[Alarm]
) -> tuple[AlarmDetail, Sequence[AlarmRule]]:
    """The alarm, and the rules that say whose logs concern it."""
    telemetry = desk.connection.telemetry
    detail = detail or telemetry.alarm(alarm.name)
    if detail.rule is not None:
        return detail, [detail.rule]
    children = loud_children(detail, known)
    return detail, list(telemetry.rules(children).values()) if children else []


def _logs_place(desk: Desk, alarm: Alarm, detail: AlarmDetail, rules: Sequence[AlarmRule]) -> Place:
    groups = groups_of_rules(rules, desk.connection.outputs)
    return logs_place(groups, turned_at(alarm, detail, desk.clock.now()))
