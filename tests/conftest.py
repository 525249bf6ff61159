"""Hypothesis profiles, named by CPAAS_HYPOTHESIS_PROFILE: `suite` for every run, `reliability` for the long one, both
of which say the same of the same code; `explore` tries what none has tried before.

And the collector of garbage, which took a third of the suite's time by walking thousands of collected tests again and
again: it rests while tests are collected, leaves them out afterwards, and comes less often. What it finds is told as
before (`filterwarnings`), for pytest collects what is left at the end.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.file_order import longest_first

YOUNG_OBJECTS = 50_000
"""Allocated between two looks at young objects; Python's own 700 are meant for heaps of a script's size."""

gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_first(items)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()


settings.register_profile(
    "suite",
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "reliability", parent=settings.get_profile("suite"), max_examples=2_000, stateful_step_count=50
)
settings.register_profile(
    "explore", parent=settings.get_profile("reliability"), max_examples=5_000, derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("CPAAS_HYPOTHESIS_PROFILE", "suite"))
