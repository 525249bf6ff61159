"""Dashboard bodies from typed widgets: sections of them, laid out on CloudWatch's grid of 24 columns.

Source of every property and limit: CloudWatch API reference, "Dashboard body structure and syntax". There are no
SEARCH expressions: they hide a metric that nobody publishes, and what is charted is known anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi

from components.measures import Measure

COLUMNS = 24
MAX_ALARMS = 100
"""Alarms that one alarm widget shows."""

_HEADING_HEIGHT = 1
_ALARMS_PER_ROW = 8


class Widget(Protocol):
    """Something on a dashboard; sizes in grid units."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def kind(self) -> str: ...

    def properties(self, region: str) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One measure in a chart, under a label."""

    label: str
    measure: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Measures over time; `axis` says what is counted, `limit` draws the line at which an alarm rises."""

    title: str
    lines: Sequence[Line]
    axis: str
    limit: float | None = None
    stacked: bool = False
    width: int = 8
    height: int = 6

    kind = "metric"

    def properties(self, region: str) -> dict[str, Any]:
        """A metric widget that draws time series."""
        limits = [] if self.limit is None else [{"label": "alarm", "value": self.limit}]
        return {
            **_metrics(self.title, self.lines, region),
            "view": "timeSeries",
            "stacked": self.stacked,
            "yAxis": {"left": {"min": 0, "label": self.axis, "showUnits": False}},
            "annotations": {"horizontal": limits},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Measures as numbers over the whole time range that is shown."""

    title: str
    lines: Sequence[Line]
    width: int = 6
    height: int = 4

    kind = "metric"

    def properties(self, region: str) -> dict[str, Any]:
        """A metric widget that shows one number per measure."""
        return {**_metrics(self.title, self.lines, region), "view": "singleValue", "setPeriodToTimeRange": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Text for whoever looks at the dashboard."""

    markdown: str
    width: int = COLUMNS
    height: int = 2

    kind = "text"

    def properties(self, region: str) -> dict[str, Any]:
        """A text widget."""
        return {"markdown": self.markdown}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmGrid:
    """The states of alarms, those that are up first."""

    title: str
    arns: Sequence[pulumi.Output[str]]
    width: int = COLUMNS

    kind = "alarm"

    def __post_init__(self) -> None:
        if not 1 <= len(self.arns) <= MAX_ALARMS:
            raise ValueError(f"{self.title}: an alarm widget shows 1 to {MAX_ALARMS} alarms, not {len(self.arns)}")

    @property
    def height(self) -> int:
        """A title and as many rows as the alarms need."""
        return 1 + -(-len(self.arns) // _ALARMS_PER_ROW)

    def properties(self, region: str) -> dict[str, Any]:
        """An alarm widget."""
        return {"title": self.title, "alarms": list(self.arns), "sortBy": "stateUpdatedTimestamp"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the widgets under it, from left to right."""

    title: str
    widgets: Sequence[Widget]


def body(sections: Sequence[Section], region: str) -> pulumi.Output[str]:
    """The JSON text of a dashboard that shows the last twelve hours."""
    widgets = [
        {"type": widget.kind, "x": x, "y": y, "width": widget.width, "height": widget.height}
        | {"properties": widget.properties(region)}
        for widget, x, y in placed(sections)
    ]
    return pulumi.Output.json_dumps({"start": "-PT12H", "periodOverride": "inherit", "widgets": widgets})


def placed(sections: Sequence[Section]) -> Iterator[tuple[Widget, int, int]]:
    """Each widget with its column and row: rows break where the next widget does not fit; headings fill a row.

    Raises `ValueError` for a widget that is wider than the grid.
    """
    y = 0
    for section in sections:
        yield Note(markdown=f"## {section.title}", height=_HEADING_HEIGHT), 0, y
        y += _HEADING_HEIGHT
        x = tallest = 0
        for widget in section.widgets:
            if not 1 <= widget.width <= COLUMNS:
                raise ValueError(f"a widget is 1 to {COLUMNS} columns wide, not {widget.width}")
            if x + widget.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield widget, x, y
            x, tallest = x + widget.width, max(tallest, widget.height)
        y += tallest


def _metrics(title: str, lines: Sequence[Line], region: str) -> dict[str, Any]:
    return {"title": title, "region": region, "period": 300, "metrics": [_entry(line) for line in lines]}


def _entry(line: Line) -> list[Any]:
    """Namespace, name, dimension names and values in turn, and how it is drawn."""
    measure = line.measure
    rendering: Mapping[str, Any] = {"label": line.label, "stat": measure.statistic, "period": measure.period}
    dimensions = [part for pair in measure.dimensions.items() for part in pair]
    return [measure.namespace, measure.name, *dimensions, rendering]
