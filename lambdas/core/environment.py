"""The environment contract: one typed class per function, read by its handler and written by its component."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self, get_type_hints


class SettingsError(ValueError):
    """A function's environment variables do not fit its settings class; the message names every problem."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FunctionEnvironment:
    """Base of each function's settings: a field `plan_queue_url` is the variable `PLAN_QUEUE_URL`.

    Fields are `str`, `int`, `float` or `bool`; a field with a default may be absent from the environment.
    Numbers are finite: a rate of `nan` would pace nothing.
    """

    FUNCTION: ClassVar[str] = ""

    environment: str
    stack: str
    project: str
    log_level: str = "INFO"

    @classmethod
    def variable_names(cls) -> dict[str, str]:
        """Field name -> environment variable name, in declaration order."""
        return {field.name: field.name.upper() for field in dataclasses.fields(cls)}

    @classmethod
    def required_fields(cls) -> set[str]:
        """Names of the fields without a default."""
        return {
            field.name
            for field in dataclasses.fields(cls)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from `environ`; raises `SettingsError` naming each missing or malformed variable."""
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        problems: list[str] = []
        for field, variable in cls.variable_names().items():
            raw = environ.get(variable)
            if raw is None:
                if field in cls.required_fields():
                    problems.append(f"{variable} is missing")
                continue
            try:
                values[field] = _parse(hints[field], raw)
            except ValueError:
                problems.append(f"{variable}={raw!r} is not a {hints[field].__name__}")
        if problems:
            raise SettingsError(f"{cls.FUNCTION}: {'; '.join(problems)}")
        return cls(**values)


def _parse(kind: type, raw: str) -> Any:
    if kind is bool:
        if raw not in ("true", "false"):
            raise ValueError(raw)
        return raw == "true"
    if kind is float and not math.isfinite(float(raw)):
        raise ValueError(raw)
    return kind(raw)


def render(value: object) -> str:
    """The text of one setting as `from_environ` reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
