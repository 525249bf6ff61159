"""One alarm: what it watches in words, its metric as a chart, what was deployed before it, commands that show it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from console.deployments import Rollout, last_before, rollouts
from console.domain import Alarm, AlarmState, Fetched, StackFacts
from console.invocations import aws
from console.telemetry import AlarmDetail, AlarmRule, Deployment, Series
from console.view import format as fmt
from console.view.chart import ChartSpec, Mark
from console.view.glyphs import Glyphs, alarm_badge
from console.view.overview import freshness
from console.view.segments import Line, Role, line
from console.view.timespan import DEFAULT, LENGTHS, Timespan

SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}
MISSING_DATA = {
    "notBreaching": "good",
    "breaching": "breaching",
    "ignore": "no change",
    "missing": "missing",
}
"""What missing data count as ("Configuring how CloudWatch alarms treat missing data", CloudWatch user guide)."""
LEAD = 0.5
"""How much more than the time since an alarm's change its chart shows, so that what was before is seen."""
LONGEST_LIVE = 86_400.0
"""Seconds since its change up to which an alarm is shown up to the present: longer spans show too little of it."""


def rule_words(rule: AlarmRule) -> str:
    """`Errors, Sum of 60 s > 0 for 1 of 1 periods, missing data treated as good`."""
    missing = MISSING_DATA.get(rule.missing_data, rule.missing_data)
    return (
        f"{rule.metric} {SIGNS[rule.comparison]} {rule.threshold:g} for {rule.datapoints_to_alarm} of"
        f" {rule.evaluation_periods} periods, missing data treated as {missing}"
    )


def state_lines(alarm: Alarm, now: float, glyphs: Glyphs) -> list[Line]:
    """State and since when, and what that means."""
    when = "" if alarm.since is None else f" since {_moment(alarm.since, now)}, {fmt.span(now - alarm.since)}"
    state = line(alarm_badge(alarm, glyphs), (f" {alarm.severity}", Role.STRONG), (when, Role.MUTED))
    return [state, line(alarm.meaning)] if alarm.meaning else [state]


def rule_line(detail: AlarmDetail, prefix: str = "") -> Line:
    """From when on the alarm is up; the names of child alarms without the stack's common `prefix`."""
    if detail.rule is None:
        words = detail.expression.replace(f'"{prefix}', '"').replace('"', "") if prefix else detail.expression
        return line(("rises when ", Role.MUTED), words)
    return line(("rule ", Role.MUTED), rule_words(detail.rule))


def metric_line(detail: AlarmDetail) -> Line:
    """Of what the metric is; nothing of an alarm without one."""
    rule = detail.rule
    if rule is None:
        return ()
    within = ", ".join(f"{name} {value}" for name, value in rule.dimensions.items())
    return line(("of ", Role.MUTED), f"{rule.namespace} {within}")


def reason_line(alarm: Alarm) -> Line:
    """Why the state is what it is, as CloudWatch says it."""
    return line(("reason ", Role.MUTED), alarm.reason) if alarm.reason else ()


def deployment_line(found: Sequence[Rollout], at: float | None, now: float) -> Line:
    """The last rollout before the alarm's change, and what it changed."""
    rollout = last_before(found, now if at is None else at)
    if rollout is None:
        return line(("last deployment ", Role.MUTED), "none is known before the alarm")
    before = "ago" if at is None else "before the alarm"
    gap = (now if at is None else at) - rollout.at
    when = "during the alarm's change" if gap < 0 else f"{fmt.span(gap)} {before}"
    role = Role.WARN if at is not None and gap < DEFAULT else Role.PLAIN
    return line(("last deployment ", Role.MUTED), (when, role), (f": {rollout.words()}", Role.PLAIN))


def runbook_line(alarm: Alarm) -> Line:
    """Which page says what to do."""
    if not alarm.runbook:
        return line(("runbook ", Role.MUTED), "none is named by this alarm")
    return line(("runbook ", Role.MUTED), (alarm.runbook, Role.ACCENT))


def series_line(feed: Fetched[object], now: float, glyphs: Glyphs) -> Line:
    """The trouble of the metric where older points are still shown; nothing while all is well."""
    return (
        () if feed.error is None or feed.value is None else line(("metric ", Role.MUTED), *freshness(feed, now, glyphs))
    )


def missing_line(wanted: Iterable[str], known: Collection[str]) -> Line:
    """The child alarms that the stack's list lacks; nothing where all are there."""
    absent = [name for name in wanted if name not in known]
    return line(("not in this stack's list ", Role.MUTED), (", ".join(absent), Role.WARN)) if absent else ()


def alarm_chart(detail: AlarmDetail, series: Series | None, deployments: Sequence[Deployment]) -> ChartSpec:
    """The metric with its threshold, what one evaluation looked at when the alarm rose last, and the rollouts."""
    rule = detail.rule
    rise = detail.last_rise
    marks = tuple(Mark(each.at, f"deployed: {each.words()}") for each in rollouts(deployments))
    return ChartSpec(
        curves=() if series is None else (series,),
        start=0.0,
        end=0.0,
        threshold=None if rule is None else rule.threshold,
        breaches=None if rule is None else rule.breaches,
        window=None if rule is None or rise is None else (rise - rule.window_seconds, rise),
        marks=marks,
    )


def first_timespan(alarm: Alarm, now: float) -> Timespan:
    """What the chart shows at first: up to the present from before the alarm's change, the last hour at least."""
    since = 0.0 if alarm.since is None or alarm.state is not AlarmState.ALARM else now - alarm.since
    wanted = since * (1 + LEAD)
    if since > LONGEST_LIVE:
        return around(alarm.since or now, DEFAULT, now)
    return Timespan(float(next(length for length in LENGTHS if length >= max(wanted, DEFAULT))))


def around(at: float, seconds: float, now: float) -> Timespan:
    """`seconds` with a moment in their middle, as far as there is data."""
    end = at + seconds / 2
    return Timespan(seconds, None if end >= now else end)


def window_timespan(detail: AlarmDetail, at: float, now: float) -> Timespan:
    """The alarm's window of evaluation large: the shortest span of which it is a third at most."""
    window = 0 if detail.rule is None else detail.rule.window_seconds
    seconds = next((length for length in LENGTHS if length >= 3 * window), LENGTHS[-1])
    return around(at, float(seconds), now)


def show_command(detail: AlarmDetail, stack: StackFacts) -> Sequence[str]:
    """The AWS CLI command that shows the alarm."""
    kind = "MetricAlarm" if detail.rule is not None or not detail.children else "CompositeAlarm"
    name = detail.alarm.name
    return aws(stack, "cloudwatch", "describe-alarms", "--alarm-names", name, "--alarm-types", kind)


def data_command(rule: AlarmRule, start: float, end: float, stack: StackFacts) -> Sequence[str]:
    """The AWS CLI command that asks for what the alarm compares, between two epoch seconds."""
    queries = json.dumps(json.loads(rule.queries), separators=(",", ":"))
    words = ("cloudwatch", "get-metric-data", "--metric-data-queries", queries)
    return aws(stack, *words, "--start-time", fmt.stamp(start), "--end-time", fmt.stamp(end))


def change_lines(old: AlarmState | None, new: AlarmState, at: float, reason: str) -> list[Line]:
    """One change of state, whole."""
    return [
        line((fmt.stamp(at), Role.MUTED), f"  {old.value if old else fmt.MISSING} -> {new.value}"),
        (),
        line(reason),
    ]


def _moment(at: float, now: float) -> str:
    return fmt.clock(at) if fmt.stamp(at)[:10] == fmt.stamp(now)[:10] else fmt.stamp(at)[:16].replace("T", " ")
