"""Whose credentials are used: the profile as botocore would choose it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from console.sources.clients import Target, profile_of


@pytest.mark.parametrize(
    ("target", "environment", "profile"),
    [
        (Target("us-east-1", "on-call"), {"AWS_PROFILE": "other", "AWS_ACCESS_KEY_ID": "key"}, "on-call"),
        (Target("us-east-1"), {"AWS_PROFILE": "mine"}, "mine"),
        (Target("us-east-1"), {"AWS_PROFILE": "mine", "AWS_DEFAULT_PROFILE": "default"}, "default"),
        (Target("us-east-1"), {"AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "key"}, ""),
        (Target("us-east-1"), {}, ""),
        (Target("us-east-1", endpoint_url="http://127.0.0.1:1"), {"AWS_PROFILE": "mine"}, ""),
    ],
)
def test_the_profile_is_that_whose_credentials_sign(
    target: Target, environment: Mapping[str, str], profile: str
) -> None:
    assert profile_of(target, environment) == profile
