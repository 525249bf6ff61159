"""Policy by environment: the one table that knows what makes `prod` different from `dev`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lambdas.core.alarm_text import Severity


class Environment(StrEnum):
    """What a stack is for; unlike the stack's name, which may be anything, there are exactly four."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentPolicy:
    """Everything that depends on the environment.

    `log_retention_days` is one of CloudWatch's allowed values; `data_retention_days` the time to live of rows and
    audiences; `key_deletion_days` KMS's waiting period (7..30). `protect` makes Pulumi refuse to delete what holds
    data, `deletion_protection` makes AWS refuse it, `retain_data` leaves it behind when the stack goes.
    `notify` are the severities whose alarms notify somebody. `shared_layer` says whether functions get their
    dependencies from a layer; the embedded cloud supplies them itself. `names_limits` says whether a stack has to name
    the countries that it writes to and its quiet hours.
    """

    log_level: str
    log_retention_days: int
    data_retention_days: int
    key_deletion_days: int
    deletion_protection: bool
    point_in_time_recovery: bool
    protect: bool
    retain_data: bool
    tracing: bool
    shared_layer: bool
    notify: frozenset[Severity]
    names_limits: bool


ENVIRONMENTS: Mapping[Environment, EnvironmentPolicy] = {
    Environment.LOCAL: EnvironmentPolicy(
        log_level="INFO",
        log_retention_days=1,
        data_retention_days=1,
        key_deletion_days=7,
        deletion_protection=False,
        point_in_time_recovery=False,
        protect=False,
        retain_data=False,
        tracing=False,
        shared_layer=False,
        notify=frozenset({Severity.WARNING, Severity.CRITICAL}),
        names_limits=False,
    ),
    Environment.DEV: EnvironmentPolicy(
        log_level="DEBUG",
        log_retention_days=7,
        data_retention_days=7,
        key_deletion_days=7,
        deletion_protection=False,
        point_in_time_recovery=True,
        protect=False,
        retain_data=False,
        tracing=True,
        shared_layer=True,
        notify=frozenset({Severity.CRITICAL}),
        names_limits=False,
    ),
    Environment.STAGING: EnvironmentPolicy(
        log_level="INFO",
        log_retention_days=30,
        data_retention_days=30,
        key_deletion_days=7,
        deletion_protection=False,
        point_in_time_recovery=True,
        protect=False,
        retain_data=False,
        tracing=True,
        shared_layer=True,
        notify=frozenset({Severity.WARNING, Severity.CRITICAL}),
        names_limits=False,
    ),
    Environment.PROD: EnvironmentPolicy(
        log_level="INFO",
        log_retention_days=90,
        data_retention_days=90,
        key_deletion_days=30,
        deletion_protection=True,
        point_in_time_recovery=True,
        protect=True,
        retain_data=True,
        tracing=True,
        shared_layer=True,
        notify=frozenset({Severity.WARNING, Severity.CRITICAL}),
        names_limits=True,
    ),
}
