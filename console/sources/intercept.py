"""One hook around every call that a connection makes of its stack: for faults that are wanted, and for recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from console.sources.base import Connection

PORTS = ("source", "telemetry", "records", "sessions", "api")
"""Fields of `Connection` that ask the stack something."""
UNTOUCHED = frozenset({"use"})
"""Methods that ask nothing: they count, and the screen's own thread calls them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port's method."""

    port: str
    method: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As `telemetry.logs`."""
        return f"{self.port}.{self.method}"


class Hook(Protocol):
    """Stands around a call; runs in the thread of the caller, and may be in several at once."""

    def __call__(self, call: Call, proceed: Callable[[], Any], /) -> Any:
        """The answer to `call`, which `proceed` gets from the stack."""
        ...


class _Intercepted:
    """A port whose methods go through a hook; what is no method is the port's own."""

    def __init__(self, port: str, inner: object, hook: Hook) -> None:
        self._port = port
        self._inner = inner
        self._hook = hook

    def __getattr__(self, method: str) -> Any:
        inner = getattr(self._inner, method)
        if not callable(inner) or method in UNTOUCHED:
            return inner

        def ask(*arguments: Any, **named: Any) -> Any:
            return self._hook(Call(self._port, method, arguments, named), lambda: inner(*arguments, **named))

        return ask


def intercepted(connection: Connection, hook: Hook, ports: tuple[str, ...] = PORTS) -> Connection:
    """The same connection with `hook` around each call of these ports."""
    hooked = {port: _Intercepted(port, getattr(connection, port), hook) for port in ports}
    return replace(connection, **cast(dict[str, Any], hooked))
