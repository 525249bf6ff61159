"""The functions of metric math, over time series; `FUNCTIONS` names those that are evaluated here.

Source: CloudWatch user guide, "Use metric math", its tables of functions and the section on IF.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

Series: TypeAlias = dict[float, float]
"""Values by period start, epoch seconds."""
Value: TypeAlias = "float | str | Series | list[Series]"


@dataclass(frozen=True, slots=True)
class Request:
    """What an expression is evaluated in.

    `metrics` are the series of the request's metrics by id, `expressions` its other expressions by id, `grid` the
    period starts of the whole range, ascending (FILL fills those), `period` the length of one in seconds.
    """

    metrics: Mapping[str, Series]
    expressions: Mapping[str, str] = field(default_factory=dict)
    grid: Sequence[float] = ()
    period: float = 60.0


Function: TypeAlias = "Callable[[Request, Sequence[Value]], Value]"


class BadArguments(Exception):
    """Arguments that a function cannot take; the message goes on after the function's name."""


def _reduction(reduce: Callable[[Sequence[float]], float], *, zero_if_missing: bool = False) -> Function:
    """A function that makes one number of a series and one series of an array."""

    def apply(_: Request, arguments: Sequence[Value]) -> Value:
        if len(arguments) != 1 or not isinstance(arguments[0], (dict, list)):
            raise BadArguments(" takes one time series or array")
        argument = arguments[0]
        if isinstance(argument, dict):
            return reduce(list(argument.values())) if argument else 0.0
        times = sorted({at for series in argument for at in series})
        if zero_if_missing:
            return {at: reduce([series.get(at, 0.0) for series in argument]) for at in times}
        return {at: reduce([series[at] for series in argument if at in series]) for at in times}

    return apply


def _each(change: Callable[[float], float]) -> Function:
    """A function of every single value."""

    def apply(_: Request, arguments: Sequence[Value]) -> Value:
        match arguments:
            case [float(number)]:
                return float(change(number))
            case [dict(series)]:
                return {at: float(change(value)) for at, value in series.items()}
            case [list(array)]:
                return [{at: float(change(value)) for at, value in series.items()} for series in array]
        raise BadArguments(" takes one number, time series or array")

    return apply


def _metrics(request: Request, arguments: Sequence[Value]) -> Value:
    match arguments:
        case []:
            return list(request.metrics.values())
        case [str(part)]:
            return [series for name, series in request.metrics.items() if part in name]
    raise BadArguments("() takes nothing or one string")


def _period(request: Request, arguments: Sequence[Value]) -> Value:
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise BadArguments(" takes one metric")
    return float(request.period)


def _fill(request: Request, arguments: Sequence[Value]) -> Value:
    match arguments:
        case [dict(series), float() | str() | dict() as filler]:
            return _filled(series, filler, request.grid)
        case [list(array), float() | str() | dict() as filler]:
            return [_filled(series, filler, request.grid) for series in array]
    raise BadArguments(" takes a time series or array and a number, a time series, REPEAT or LINEAR")


def _filled(series: Series, filler: float | str | Series, grid: Sequence[float]) -> Series:
    if filler == "LINEAR":
        return _interpolated(series, grid)
    filled: Series = {}
    last: float | None = None
    for at in sorted({*grid, *series}):
        if at in series:
            filled[at] = last = series[at]
        elif isinstance(filler, float):
            filled[at] = filler
        elif isinstance(filler, dict):
            if at in filler:
                filled[at] = filler[at]
        elif filler != "REPEAT":
            raise BadArguments(f" cannot fill with {filler!r}; use a number, a time series, REPEAT or LINEAR")
        elif last is not None:
            filled[at] = last
    return filled


def _interpolated(series: Series, grid: Sequence[float]) -> Series:
    filled = dict(series)
    for (start, low), (end, high) in pairwise(sorted(series.items())):
        for at in grid:
            if start < at < end:
                filled[at] = low + (high - low) * (at - start) / (end - start)
    return dict(sorted(filled.items()))


def _if(_: Request, arguments: Sequence[Value]) -> Value:
    if not 2 <= len(arguments) <= 3 or any(isinstance(argument, (str, list)) for argument in arguments):
        raise BadArguments("(condition, true value, false value) takes numbers and time series")
    condition, yes, *rest = arguments
    no = rest[0] if rest else {}
    if isinstance(condition, float):
        return yes if condition else no
    chosen: Series = {}
    if not isinstance(condition, dict):
        raise BadArguments(" needs a number or a time series as condition")
    for at, truth in condition.items():
        branch = yes if truth else no
        if isinstance(branch, float):
            chosen[at] = branch
        elif isinstance(branch, dict) and (truth or at in branch):
            # A true condition over a gap gives 0, a false one drops the point (user guide, IF).
            chosen[at] = branch.get(at, 0.0)
    return chosen


def _rate(_: Request, arguments: Sequence[Value]) -> Value:
    match arguments:
        case [dict(series)]:
            return _rate_of(series)
        case [list(array)]:
            return [_rate_of(series) for series in array]
    raise BadArguments(" takes one time series or array")


def _rate_of(series: Series) -> Series:
    return {
        at: (value - before_value) / (at - before)
        for (before, before_value), (at, value) in pairwise(sorted(series.items()))
    }


FUNCTIONS: Mapping[str, Function] = {
    "SUM": _reduction(math.fsum),
    "AVG": _reduction(lambda values: math.fsum(values) / len(values), zero_if_missing=True),
    "MIN": _reduction(min),
    "MAX": _reduction(max),
    "ABS": _each(abs),
    "CEIL": _each(math.ceil),
    "FLOOR": _each(math.floor),
    "METRICS": _metrics,
    "PERIOD": _period,
    "FILL": _fill,
    "IF": _if,
    "RATE": _rate,
}
"""The functions evaluated here, by AWS's names."""
