"""What every building block stands on: the site, its key, the functions' layer and where alarms go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.inventory import Inventory
from components.naming import Site
from lambdas.core.alarm_text import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Shared by all components of one stack.

    `layer_arns` is empty where the environment supplies the functions' dependencies itself; `alarm_topics` has one
    topic per severity; `inventory` grows as components are made.
    """

    site: Site
    key_arn: pulumi.Output[str]
    layer_arns: tuple[pulumi.Output[str], ...]
    alarm_topics: Mapping[Severity, pulumi.Output[str]]
    inventory: Inventory = field(default_factory=Inventory)
