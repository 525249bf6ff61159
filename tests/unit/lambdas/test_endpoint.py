"""Which endpoint a function talks to: AWS's own, or in `local` this machine and nothing else."""

from __future__ import annotations

import pytest

from lambdas.adapters.aws import ConfigurationError, endpoint_for
from lambdas.adapters.loopback import is_loopback

LOOPBACK = [
    "http://127.0.0.1:4566",
    "http://127.8.9.10",
    "http://localhost:80",
    "https://[::1]:4566/x",
    "http://LOCALHOST",
]
ELSEWHERE = [
    "http://127.0.0.1.example.com", "http://localhost.example.com", "http://127.0.0.1@example.com", "http://example.com",
    "http://10.0.0.1", "http://0.0.0.0:4566", "http://169.254.169.254", "127.0.0.1:4566", "", "http://", "http://[::2]",
    "http://2130706433", "http://0x7f000001", "http://127.1", "http://localhost@example.com#127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("url", LOOPBACK)
def test_this_machine(url: str) -> None:
    assert is_loopback(url)
    assert endpoint_for({"ENVIRONMENT": "local", "AWS_ENDPOINT_URL": url}) == url


@pytest.mark.parametrize("url", ELSEWHERE)
def test_anything_else(url: str) -> None:
    assert not is_loopback(url)
    with pytest.raises(ConfigurationError, match="the environment is local"):
        endpoint_for({"ENVIRONMENT": "local", "AWS_ENDPOINT_URL": url})


def test_local_without_an_endpoint_names_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match="cpaas-local"):
        endpoint_for({"ENVIRONMENT": "local"})


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_elsewhere_the_endpoint_is_aws_s_own_unless_told(environment: str) -> None:
    assert endpoint_for({"ENVIRONMENT": environment}) is None
    assert (
        endpoint_for({"ENVIRONMENT": environment, "AWS_ENDPOINT_URL": "https://vpce.example"}) == "https://vpce.example"
    )
