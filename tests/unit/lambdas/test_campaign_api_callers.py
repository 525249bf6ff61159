"""Who calls the API: a key belongs to a caller, in whatever session it is."""

from __future__ import annotations

import pytest

from lambdas.campaign_api.answers import caller_identity


@pytest.mark.parametrize(
    ("arn", "identity"),
    [
        ("arn:aws:sts::1:assumed-role/app/session-7", "arn:aws:sts::1:assumed-role/app"),
        ("arn:aws:sts::1:assumed-role/app/session-8", "arn:aws:sts::1:assumed-role/app"),
        ("arn:aws:iam::1:user/team/jo", "arn:aws:iam::1:user/team/jo"),
        ("arn:aws:iam::1:root", "arn:aws:iam::1:root"),
    ],
)
def test_sessions_of_a_role_are_one_caller(arn: str, identity: str) -> None:
    assert caller_identity(arn) == identity
