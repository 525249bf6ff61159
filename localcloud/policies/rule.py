"""What a policy rule is, and the small questions that all rules ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from components.environments import ENVIRONMENTS, Environment, EnvironmentPolicy
from localcloud.graph import Registration, Unknown
from localcloud.view import View


class Severity(StrEnum):
    """`mandatory` stops a deployment, `advisory` is told; the words are those of Pulumi's enforcement levels."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Fault:
    """One resource that breaks a rule: its URN, what is wrong and what to do.

    `part` names what inside the resource is meant where that matters, such as a statement's id.
    """

    urn: str
    message: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a name, a sentence, and the check that finds who breaks it; `cdk_nag` is its counterpart there."""

    name: str
    sentence: str
    check: Callable[[View], Iterable[Fault]]
    cdk_nag: str = ""
    severity: Severity = Severity.MANDATORY


def policy_of(item: Registration) -> EnvironmentPolicy:
    """What the environment in the resource's tags decides; the strictest one where none is named."""
    tags = item.inputs.get("tags")
    named = str(tags.get("Environment", "")) if isinstance(tags, dict) else ""
    return ENVIRONMENTS[Environment(named) if named in {*Environment} else Environment.PROD]


def lacks(value: object) -> bool:
    """Whether a property is missing or off; an unknown one is not."""
    return not isinstance(value, Unknown) and not value


def differs(value: object, wanted: object) -> bool:
    """Whether a property is known to be something else."""
    return not isinstance(value, Unknown) and value != wanted
