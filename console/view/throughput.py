"""Throughput: target against achieved of the whole stack, and each channel against what its identity may send."""

from __future__ import annotations

from collections.abc import Sequence

from console.deployments import rollouts
from console.domain import RatePoint, Throughput
from console.telemetry import Deployment, Series
from console.view import format as fmt
from console.view.chart import ChartSpec, Mark, chart
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, cut, line, pad_left, width

HOUR, MINUTE = 3_600.0, 60
"""The chart looks back so far, by the minute where this console has not read itself."""
LEAST_SECONDS = 300.0
"""What the chart of a stack shows that has only begun."""
NO_HISTORY = "no earlier readings"
"""Beside the title where CloudWatch could not be read."""
NO_CHANNEL = line(("no channel of this stack is on", Role.MUTED))


def throughput_rows(
    now: Throughput,
    taken_at: float,
    rates: Sequence[Series] = (),
    *,
    columns: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """Target and achieved now, then the chart of both; `rates` are those of the channels in the last hour."""
    head = line(
        ("achieved ", Role.MUTED),
        (pad_left(fmt.rate(now.achieved), 6), Role.ACHIEVED),
        (" target ", Role.MUTED),
        (pad_left(fmt.rate(now.target), 6), Role.TARGET),
        (f" {used(now.achieved, now.target)}", Role.STRONG),
    )
    if width(head) > columns:
        head = head[:-1]
    curve = achieved_curve(now.history, rates)
    end = now.history[-1].at if now.history else taken_at
    spec = ChartSpec(
        curves=(curve,),
        start=min(end - LEAST_SECONDS, max(end - HOUR, curve.points[0][0] if curve.points else end)),
        end=end,
        threshold=Series("target", MINUTE, tuple((point.at, point.target or None) for point in now.history)),
        figure=fmt.rate,
        caption=False,
    )
    return [cut(head, columns), *chart(spec, columns=columns, rows=rows - 1, glyphs=glyphs)]


def achieved_curve(history: Sequence[RatePoint], rates: Sequence[Series]) -> Series:
    """What all channels have sent together: as this console has read it, else what `rates` say of the minute."""
    read = {int(point.at // MINUTE) for point in history if point.achieved is not None}
    points: dict[float, float | None] = {point.at: point.achieved for point in history}
    sums: dict[float, float] = {}
    for at, value in (point for series in rates for point in series.points):
        if value is not None and int(at // MINUTE) not in read:
            sums[at] = sums.get(at, 0.0) + value
    return Series("achieved", MINUTE, tuple(sorted({**points, **sums}.items())))


def channel_chart(rate: Series, ceiling: float | None, deployments: Sequence[Deployment]) -> ChartSpec:
    """A channel's messages per second below what its identity is configured for, and the rollouts."""
    return ChartSpec(
        curves=(rate,),
        start=0.0,
        end=0.0,
        threshold=ceiling,
        marks=tuple(Mark(each.at, f"deployed: {each.words()}") for each in rollouts(deployments)),
        figure=fmt.rate,
    )


def channel_note(throughput: Throughput, channel: str, ceiling: float) -> str:
    """What a channel does now, for its chart's title: `22.0/s now, 22.0 % of 100/s`."""
    achieved = None if throughput.achieved is None else throughput.by_channel.get(channel, 0.0)
    share = used(achieved, ceiling)
    return f"{fmt.rate(achieved)} now, {share} of {fmt.rate(ceiling)}" if share else f"at most {fmt.rate(ceiling)}"


def used(achieved: float | None, of: float) -> str:
    """The share in percent, empty where either is not known."""
    return fmt.percent(achieved, of) if achieved is not None and of > 0 else ""
