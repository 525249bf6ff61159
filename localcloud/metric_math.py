"""Metric math: the expressions of alarms and dashboards, evaluated over time series by a small parser.

Source of the rules: CloudWatch user guide, "Use metric math". Understood are numbers, ids, arrays, strings, the
operators + - * / ^ == != < <= > >= AND OR, and the functions of `metric_functions`; anything else is refused by name.
A missing value counts as 0 where two series meet, and a division by zero drops its data point.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeGuard

from localcloud.metric_functions import FUNCTIONS, BadArguments, Request, Series, Value

MAX_DEPTH = 50
MAX_LENGTH = 2048
"""Characters of an expression (MetricDataQuery.Expression)."""


class MetricMathError(ValueError):
    """An expression that is wrong or beyond what is evaluated here; the message names the place."""


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
            return float(text) if math.isfinite(float(text)) else self.fail(f"{text} is too large a number")
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
        except BadArguments as error:
            self.fail(f"{name}{error}")
        except OverflowError:
            self.fail(f"{name} gives too large a number")


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
        return fail(f"{left:g} {symbol} {right:g} has no value") if not _is_value(result) else float(result)
    return _combine(function, left, right)


def _combine(function: Callable[[float, float], float | None], left: float | Series, right: float | Series) -> Series:
    times = sorted({*(left if isinstance(left, dict) else ()), *(right if isinstance(right, dict) else ())})
    values = {at: function(_at(left, at), _at(right, at)) for at in times}
    return {at: float(value) for at, value in values.items() if _is_value(value)}


def _is_value(number: float | None) -> TypeGuard[float]:
    """Whether an operation has a result; what overflows is dropped like a division by zero."""
    return number is not None and math.isfinite(number)


def _at(value: float | Series, at: float) -> float:
    return value.get(at, 0.0) if isinstance(value, dict) else value


__all__ = ["FUNCTIONS", "MetricMathError", "Request", "Series", "Value", "evaluate"]
