"""Metric math: the expressions of alarms and dashboards, evaluated over time series by a small parser.

Source of the rules: CloudWatch user guide, "Use metric math". Understood are numbers, ids, arrays, strings, the
operators + - * / ^ == != < <= > >= AND OR, and the functions in `FUNCTIONS`; anything else is refused by name.
A missing value counts as 0 where two series meet, and a division by zero drops its data point.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NoReturn, TypeAlias

Series: TypeAlias = dict[float, float]
"""Values by period start, epoch seconds."""
Value: TypeAlias = "float | str | Series | list[Series]"

MAX_DEPTH = 50
MAX_LENGTH = 2048
"""Characters of an expression (MetricDataQuery.Expression)."""


class MetricMathError(ValueError):
    """An expression that is wrong or beyond what is evaluated here; the message names the place."""


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


def evaluate(expression: str, request: Request) -> list[Series]:
    """The series that `expression` yields: one, or several for an array; raises `MetricMathError`."""
    result = _Evaluation(request).run(expression, ())
    if isinstance(result, dict):
        return [result]
    if isinstance(result, list):
        return result
    raise MetricMathError(f"the expression {expression!r} yields a single value; it must yield a time series")


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z]\w*)"
    r"|(?P<string>\"[^\"]*\"|'[^']*')|(?P<symbol>==|!=|<=|>=|&&|\|\||[-+*/^()\[\],<>]))"
)
_BINDING = {
    "OR": 1, "||": 1, "AND": 2, "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "^": 7,
}  # fmt: skip
_UNARY_BINDING = 6


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) and math.isfinite(result) else None


_OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def _tokens(expression: str) -> list[tuple[str, str]]:
    if len(expression) > MAX_LENGTH:
        raise MetricMathError(f"an expression has at most {MAX_LENGTH} characters, this one {len(expression)}")
    tokens: list[tuple[str, str]] = []
    text = expression.rstrip()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MetricMathError(f"unexpected {text[position:].strip()[:10]!r} in the expression {expression!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


class _Evaluation:
    """One request's evaluation: each expression is parsed and computed in one pass, ids on first use."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._known: dict[str, Value] = {}

    def run(self, expression: str, path: tuple[str, ...]) -> Value:
        return _Parser(expression, self, path).whole()

    def lookup(self, name: str, path: tuple[str, ...]) -> Value:
        if name in self.request.metrics:
            return self.request.metrics[name]
        if name not in self.request.expressions:
            raise MetricMathError(f"the expression names {name!r}, which is no Id of the request")
        if name in path:
            raise MetricMathError(f"the expression {name!r} depends on itself: {' -> '.join((*path, name))}")
        if name not in self._known:
            self._known[name] = self.run(self.request.expressions[name], (*path, name))
        return self._known[name]


class _Parser:
    """A Pratt parser that computes as it reads."""

    def __init__(self, expression: str, evaluation: _Evaluation, path: tuple[str, ...]) -> None:
        self.expression = expression
        self.tokens = _tokens(expression)
        self.position = 0
        self.depth = 0
        self.evaluation = evaluation
        self.path = path

    def whole(self) -> Value:
        result = self.expr(0)
        if self.position < len(self.tokens):
            self.fail(f"unexpected {self.tokens[self.position][1]!r}")
        return result

    def fail(self, what: str) -> NoReturn:
        raise MetricMathError(f"{what} in the expression {self.expression!r}")

    def peek(self) -> str:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def take(self, symbol: str) -> None:
        if self.peek() != symbol:
            self.fail(f"expected {symbol!r} but found {self.peek() or 'the end'!r}")
        self.position += 1

    def expr(self, binding: int) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"more than {MAX_DEPTH} levels")
        left = self.prefix()
        while (power := _BINDING.get(self.peek(), 0)) > binding:
            symbol = {"&&": "AND", "||": "OR"}.get(self.peek(), self.peek())
            self.position += 1
            # ^ binds to the right, everything else to the left.
            right = self.expr(power - 1 if symbol == "^" else power)
            left = _binary(symbol, left, right, self.fail)
        self.depth -= 1
        return left

    def prefix(self) -> Value:
        if self.position >= len(self.tokens):
            self.fail("unexpected end")
        kind, text = self.tokens[self.position]
        self.position += 1
        if kind == "number":
            return float(text)
        if kind == "string":
            return text[1:-1]
        if kind == "name":
            return self.call(text) if self.peek() == "(" else self.name(text)
        if text == "(":
            inner = self.expr(0)
            self.take(")")
            return inner
        if text == "-":
            return _binary("*", -1.0, self.expr(_UNARY_BINDING), self.fail)
        if text == "[":
            return self.array()
        return self.fail(f"unexpected {text!r}")

    def name(self, text: str) -> Value:
        return text if text in ("REPEAT", "LINEAR") else self.evaluation.lookup(text, self.path)

    def array(self) -> list[Series]:
        found: list[Series] = []
        for item in self.items("]"):
            if not isinstance(item, (dict, list)):
                self.fail("an array may hold time series only")
            found.extend([item] if isinstance(item, dict) else item)
        return found

    def items(self, closing: str) -> list[Value]:
        items: list[Value] = []
        while self.peek() != closing:
            items.append(self.expr(0))
            if self.peek() != closing:
                self.take(",")
        self.take(closing)
        return items

    def call(self, name: str) -> Value:
        function = FUNCTIONS.get(name)
        if function is None:
            self.fail(f"{name} is not evaluated by the embedded cloud (it knows {', '.join(sorted(FUNCTIONS))})")
        self.take("(")
        arguments = self.items(")")
        try:
            return function(self.evaluation.request, arguments)
        except _BadArguments as error:
            self.fail(f"{name}{error}")


class _BadArguments(Exception):
    pass


def _binary(symbol: str, left: Value, right: Value, fail: Callable[[str], NoReturn]) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        fail(f"a string cannot stand beside {symbol!r}")
    if isinstance(left, list) and isinstance(right, list):
        fail(f"two arrays cannot stand on both sides of {symbol!r}")
    function = _OPERATORS[symbol]
    if isinstance(left, list):
        return [_combine(function, item, right) for item in left if not isinstance(right, list)]
    if isinstance(right, list):
        return [_combine(function, left, item) for item in right]
    if isinstance(left, float) and isinstance(right, float):
        result = function(left, right)
        return fail(f"{left:g} {symbol} {right:g} has no value") if result is None else float(result)
    return _combine(function, left, right)


def _combine(function: Callable[[float, float], float | None], left: float | Series, right: float | Series) -> Series:
    times = sorted({*(left if isinstance(left, dict) else ()), *(right if isinstance(right, dict) else ())})
    values = {at: function(_at(left, at), _at(right, at)) for at in times}
    return {at: float(value) for at, value in values.items() if value is not None}


def _at(value: float | Series, at: float) -> float:
    return value.get(at, 0.0) if isinstance(value, dict) else value


def _reduction(reduce: Callable[[Sequence[float]], float], *, zero_if_missing: bool = False) -> _Function:
    """A function that makes one number of a series and one series of an array."""

    def apply(_: Request, arguments: Sequence[Value]) -> Value:
        if len(arguments) != 1 or not isinstance(arguments[0], (dict, list)):
            raise _BadArguments(" takes one time series or array")
        argument = arguments[0]
        if isinstance(argument, dict):
            return reduce(list(argument.values())) if argument else 0.0
        times = sorted({at for series in argument for at in series})
        if zero_if_missing:
            return {at: reduce([series.get(at, 0.0) for series in argument]) for at in times}
        return {at: reduce([series[at] for series in argument if at in series]) for at in times}

    return apply


def _each(change: Callable[[float], float]) -> _Function:
    """A function of every single value."""

    def apply(_: Request, arguments: Sequence[Value]) -> Value:
        match arguments:
            case [float(number)]:
                return float(change(number))
            case [dict(series)]:
                return {at: float(change(value)) for at, value in series.items()}
            case [list(array)]:
                return [{at: float(change(value)) for at, value in series.items()} for series in array]
        raise _BadArguments(" takes one number, time series or array")

    return apply


def _metrics(request: Request, arguments: Sequence[Value]) -> Value:
    match arguments:
        case []:
            return list(request.metrics.values())
        case [str(part)]:
            return [series for name, series in request.metrics.items() if part in name]
    raise _BadArguments("() takes nothing or one string")


def _period(request: Request, arguments: Sequence[Value]) -> Value:
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise _BadArguments(" takes one metric")
    return float(request.period)


def _fill(request: Request, arguments: Sequence[Value]) -> Value:
    match arguments:
        case [dict(series), float() | str() | dict() as filler]:
            return _filled(series, filler, request.grid)
        case [list(array), float() | str() | dict() as filler]:
            return [_filled(series, filler, request.grid) for series in array]
    raise _BadArguments(" takes a time series or array and a number, a time series, REPEAT or LINEAR")


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
            raise _BadArguments(f" cannot fill with {filler!r}; use a number, a time series, REPEAT or LINEAR")
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
        raise _BadArguments("(condition, true value, false value) takes numbers and time series")
    condition, yes, *rest = arguments
    no = rest[0] if rest else {}
    if isinstance(condition, float):
        return yes if condition else no
    chosen: Series = {}
    if not isinstance(condition, dict):
        raise _BadArguments(" needs a number or a time series as condition")
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
    raise _BadArguments(" takes one time series or array")


def _rate_of(series: Series) -> Series:
    return {
        at: (value - before_value) / (at - before)
        for (before, before_value), (at, value) in pairwise(sorted(series.items()))
    }


_Function: TypeAlias = Callable[[Request, Sequence[Value]], Value]

FUNCTIONS: Mapping[str, _Function] = {
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
