"""The catalogue at full size: its own Hypothesis profile, the suite's clouds, and a mark by which `make reliability`
finds its tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.cloud.conftest import bare_cloud, cloud, stack, unique, wait_until

__all__ = ["bare_cloud", "cloud", "stack", "unique", "wait_until"]

settings.load_profile("reliability")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("reliability")
