"""Names, and the refusals of building blocks that need no graph."""

from __future__ import annotations

import pytest

from components import alarm_families
from components.alarm_families import FAMILIES
from components.event_rule import RuleArgs
from components.measures import Measure
from components.naming import Site, partition_of
from components.settings import parse
from lambdas.core import metrics


def site(stack: str = "dev") -> Site:
    settings = parse(
        {
            "aws:region": "eu-central-1",
            "ai-cpaas-demo:environment": "dev",
            "ai-cpaas-demo:tags": '{"owner": "team", "cost_center": "cc"}',
        }
    )
    return Site(project="ai-cpaas-demo", stack=stack, version="1.0.0", settings=settings, account_id="123456789012")


def test_physical_names_carry_project_and_stack() -> None:
    assert site().physical("delivery-tracking") == "ai-cpaas-demo-delivery-tracking-dev"
    assert site().log_group("sweeper") == "/ai-cpaas-demo/dev/sweeper"
    assert site().arn("sns", "topic") == "arn:aws:sns:eu-central-1:123456789012:topic"


def test_a_name_that_aws_would_refuse_is_refused_here() -> None:
    with pytest.raises(ValueError, match="choose a shorter stack name"):
        site("a-stack-with-quite-a-long-name-for-a-stack").physical("delivery-tracking")


def test_alarm_prefixes_of_two_stacks_never_select_each_others_alarms() -> None:
    dev, dev2 = site("dev"), site("dev2")
    assert not (dev2.alarm_prefix + "x").startswith(dev.alarm_prefix)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_partitions(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_an_alarm_on_a_dimension_set_that_nobody_publishes_is_refused() -> None:
    with pytest.raises(ValueError, match="published under"):
        Measure.of(metrics.THROTTLED_MESSAGES, {metrics.STACK: "dev"}, "Sum")


def test_families_are_distinct() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    declared = [value for value in vars(alarm_families).values() if isinstance(value, alarm_families.Family)]
    assert set(declared) == set(FAMILIES)


@pytest.mark.parametrize("both", [{}, {"pattern": {"source": ["x"]}, "schedule": "rate(1 minute)"}])
def test_a_rule_has_a_pattern_or_a_schedule(both: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="give a pattern or a schedule"):
        RuleArgs(thing="x", description="x", **both)  # type: ignore[arg-type]
