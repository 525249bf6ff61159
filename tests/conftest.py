"""Hypothesis profiles, named by CPAAS_HYPOTHESIS_PROFILE: `suite` for every run, `reliability` for the long one, both
of which say the same of the same code; `explore` tries what none has tried before."""

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
    "reliability", parent=settings.get_profile("suite"), max_examples=2_000, stateful_step_count=50
)
settings.register_profile(
    "explore", parent=settings.get_profile("reliability"), max_examples=5_000, derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("CPAAS_HYPOTHESIS_PROFILE", "suite"))
