"""The key's table of services follows the settings: a channel that is off gives nobody the key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.environments import ENVIRONMENTS, Environment
from components.key import edges
from components.naming import Site
from components.settings import StackSettings

ALWAYS = {"events.amazonaws.com", "logs.eu-west-1.amazonaws.com", "sms-voice.amazonaws.com", "sns.amazonaws.com"}
ALARMS = {"cloudwatch.amazonaws.com"}
ON = object()


def site(*, whatsapp: object = None, email: object = None, notify: bool = True) -> Site:
    policy = ENVIRONMENTS[Environment.PROD]
    quiet = SimpleNamespace(notify=frozenset())
    settings = SimpleNamespace(whatsapp=whatsapp, email=email, region="eu-west-1", policy=policy if notify else quiet)
    return Site(
        project="cpaas", stack="prod", version="1", settings=cast(StackSettings, settings), account_id="123456789012"
    )


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({}, ALARMS),
        ({"notify": False}, set()),
        ({"whatsapp": ON}, ALARMS | {"social-messaging.amazonaws.com"}),
        ({"email": ON}, ALARMS | {"ses.amazonaws.com"}),
    ],
)
def test_only_what_is_on_may_use_the_key(settings: dict[str, Any], more: set[str]) -> None:
    found = [edge.service for edge in edges(site(**settings))]
    assert sorted(found) == sorted(ALWAYS | more)


def test_every_publisher_is_bound_to_this_account_and_its_own_resources() -> None:
    publishers = [edge for edge in edges(site(whatsapp=ON, email=ON)) if edge.target == "topic"]
    assert len(publishers) == 4
    for edge in publishers:
        service = edge.service.removesuffix(".amazonaws.com")
        assert edge.condition["StringEquals"] == {"aws:SourceAccount": "123456789012"}
        source = edge.condition["ArnLike"]["aws:SourceArn"]
        assert source.startswith(f"arn:aws:{service}:eu-west-1:123456789012:")


def test_event_bridge_has_no_condition_because_it_sends_none() -> None:
    (edge,) = [edge for edge in edges(site()) if edge.service == "events.amazonaws.com"]
    assert edge.condition == {}
