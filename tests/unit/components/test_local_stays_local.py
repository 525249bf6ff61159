"""The environment `local` is provisioned into the embedded cloud and nowhere else."""

from __future__ import annotations

import pytest

from components.settings import EMBEDDED_ACCOUNT_ID, SettingsError, StackSettings, require_account
from localcloud.host import ACCOUNT_ID

TAGS = {"owner": "team", "cost_center": "none"}


def settings(environment: str, endpoint_url: str | None) -> StackSettings:
    return StackSettings.model_validate(
        {
            "environment": environment,
            "region": "us-east-1",
            "tags": TAGS,
            "endpoint_url": endpoint_url,
            "sms": {"allowed_countries": ["US"]},
            "promotional_window": "none",
        }
    )


def test_a_real_account_is_refused_for_local_only() -> None:
    local = settings("local", "http://127.0.0.1:4566")
    with pytest.raises(SettingsError, match=r"account 210987654321.*cpaas-local"):
        require_account(local, "210987654321")
    require_account(local, EMBEDDED_ACCOUNT_ID)
    require_account(settings("prod", None), "210987654321")


def test_the_host_and_the_program_mean_the_same_account() -> None:
    assert ACCOUNT_ID == EMBEDDED_ACCOUNT_ID
