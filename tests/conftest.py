"""Hypothesis profiles: `suite` for every run, `reliability` for the long one (CPAAS_HYPOTHESIS_PROFILE=reliability)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

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
    "reliability", parent=settings.get_profile("suite"), max_examples=2_000, stateful_step_count=50, derandomize=False
)
settings.load_profile(os.environ.get("CPAAS_HYPOTHESIS_PROFILE", "suite"))
