"""A deployed function's module in the test's own process, in the environment that the deployment gave it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import botocore.session
import pytest

from lambdas.adapters import aws


def environment_of(functions: Any, name: str) -> dict[str, str]:
    """The variables of a deployed function; `functions` is a Lambda client."""
    found: dict[str, str] = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return found


@contextmanager
def imported(
    module: str,
    environment: Mapping[str, str],
    *,
    with_session: Callable[[botocore.session.Session], None] = lambda session: None,
) -> Iterator[ModuleType]:
    """The handler module of `lambdas.<module>`; `with_session` may hook into the session before it makes clients."""
    name = f"lambdas.{module}.handler"
    _forget(name)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        with_session(aws._session())
        yield importlib.import_module(name)
    _forget(name)


def _forget(name: str) -> None:
    sys.modules.pop(name, None)
    aws.client.cache_clear()
    aws._session.cache_clear()
