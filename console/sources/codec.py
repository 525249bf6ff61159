"""What a connection was asked and what it answered, as JSON lines; types are those of the protocols in `base.py`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec

from console.domain import Problem
from console.sources.base import Records, Sessions, Source, Telemetry
from console.sources.intercept import Call
from console.text import safe

SCHEMA = 1
PORTS: Mapping[str, type] = {"source": Source, "telemetry": Telemetry, "records": Records, "sessions": Sessions}
"""What is recorded: what is read of a stack. Actions are neither recorded nor replayed."""
NOT_KEPT = frozenset({"campaigns"})
"""Arguments that are answers themselves."""
MAX_CELLS = 400_000
"""Of one text; the longest is an alarm's queries, of up to 500 metrics."""

T = TypeVar("T")


class Head(msgspec.Struct, frozen=True):
    """The first line: the stack's outputs, and when the recording was begun (epoch seconds)."""

    schema: int
    at: float
    outputs: dict[str, str]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call that ended at `at` (epoch seconds): with `value`, with `problem`, or with the `same` as the last one."""

    at: float
    method: str
    arguments: dict[str, Any] = {}
    value: msgspec.Raw = msgspec.Raw()
    problem: Problem | None = None
    same: bool = False


def method_name(method: Callable[..., object]) -> str:
    """`telemetry.logs` of the protocol's method `Telemetry.logs`."""
    protocol, _, name = method.__qualname__.partition(".")
    return f"{protocol.lower()}.{name}"


def arguments_of(call: Call) -> dict[str, Any]:
    """The arguments of a call by their names, as JSON has them."""
    bound = _signature(call.port, call.method).bind(None, *call.arguments, **call.named).arguments
    return {
        name: msgspec.to_builtins(value)
        for name, value in bound.items()
        if name != "self" and name not in NOT_KEPT and value not in (None, "")
    }


@cache
def _signature(port: str, method: str) -> inspect.Signature:
    return inspect.signature(getattr(PORTS[port], method))


@cache
def _answer_type(method: Callable[..., object]) -> Any:
    return get_type_hints(method)["return"]


def key_of(arguments: Mapping[str, Any]) -> str:
    """The same text for the same arguments."""
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"))


def encode(value: object) -> bytes:
    """One line without its end."""
    return msgspec.json.encode(value)


def answer(method: Callable[..., T], value: msgspec.Raw) -> T:
    """What a protocol's method gave, every text in it safe; raises `msgspec.ValidationError` for another shape.

    A recording may come from anybody, so it is not trusted more than AWS is.
    """
    found: T = msgspec.convert(harmless(msgspec.json.decode(value)), _answer_type(method))
    return found


def harmless(value: Any) -> Any:
    """A JSON value whose texts cannot drive a terminal."""
    if isinstance(value, str):
        return safe(value, MAX_CELLS)
    if isinstance(value, list):
        return [harmless(each) for each in value]
    if isinstance(value, dict):
        return {safe(name, MAX_CELLS): harmless(each) for name, each in value.items()}
    return value
