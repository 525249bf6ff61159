"""The environment contract from the component's side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.function import EnvironmentContractError, environment_variables
from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSettings(FunctionEnvironment):
    """One field of each kind."""

    FUNCTION: ClassVar[str] = "example"

    table: str
    rate: float
    days: int
    strict: bool
    threads: int = 16


COMMON = {"environment": "dev", "stack": "dev", "project": "p"}


@given(
    table=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    rate=st.floats(allow_nan=False, allow_infinity=False),
    days=st.integers(),
    strict=st.booleans(),
)
def test_what_is_written_is_what_is_read(table: str, rate: float, days: int, strict: bool) -> None:
    variables = environment_variables(ExampleSettings, table=table, rate=rate, days=days, strict=strict, **COMMON)
    read = ExampleSettings.from_environ({key: str(value) for key, value in variables.items()})
    assert (read.table, read.rate, read.days, read.strict, read.threads) == (table, rate, days, strict, 16)


def test_missing_and_extra_are_both_named() -> None:
    with pytest.raises(EnvironmentContractError) as caught:
        environment_variables(ExampleSettings, table="t", rate=1.0, days=1, colour="red", **COMMON)
    assert str(caught.value) == "environment of example: strict is missing, colour is not a setting"
