"""The one table of environments."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from components.environments import ENVIRONMENTS, Environment, EnvironmentPolicy
from lambdas.core.alarm_text import Severity

ROOT = Path(__file__).resolve().parents[3]
LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""CloudWatch Logs, PutRetentionPolicy."""


@pytest.mark.parametrize("environment", Environment)
def test_values_are_what_aws_accepts(environment: Environment) -> None:
    policy = ENVIRONMENTS[environment]
    assert policy.log_retention_days in LOG_RETENTION_DAYS
    assert 7 <= policy.key_deletion_days <= 30
    assert policy.data_retention_days >= 1
    assert policy.log_level in {"DEBUG", "INFO", "WARNING", "ERROR"}


def test_prod_keeps_what_it_has() -> None:
    prod = ENVIRONMENTS[Environment.PROD]
    assert prod.protect
    assert prod.deletion_protection
    assert prod.retain_data
    assert prod.point_in_time_recovery
    assert prod.names_limits
    assert prod.notify == frozenset(Severity)


def test_a_stack_that_must_go_away_can() -> None:
    for environment in (Environment.LOCAL, Environment.DEV):
        policy = ENVIRONMENTS[environment]
        assert (policy.protect, policy.deletion_protection, policy.retain_data) == (False, False, False)


def test_nothing_else_branches_on_the_environment() -> None:
    """Outside the table and the settings' own validation nobody names a member of `Environment`."""
    allowed = {ROOT / "components" / "environments.py", ROOT / "components" / "settings.py"}
    sources = {ROOT / "__main__.py", *(ROOT / "components").glob("*.py")} - allowed
    naming = [
        f"{path.name}:{node.lineno}"
        for path in sorted(sources)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and node.id == "Environment")
        or (isinstance(node, ast.Constant) and node.value in {"prod", "staging", "dev", "local"})
    ]
    assert naming == []


def test_the_policy_cannot_change_under_a_component() -> None:
    with pytest.raises(AttributeError):
        ENVIRONMENTS[Environment.DEV].protect = True  # type: ignore[misc]
    assert EnvironmentPolicy.__slots__
