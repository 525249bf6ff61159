"""The content bucket: what callers sent, uploaded audiences, plans, and orders that legs may follow."""

from __future__ import annotations

import pulumi

from components.bucket import Bucket
from components.platform import Platform

REQUESTS = "requests"
AUDIENCES = "audiences"
PARTS = "parts"
CHECKPOINTS = "checkpoints"
REPORTS = "reports"
ORDERS = "orders"
"""Prefixes: bodies as they were accepted, uploaded audiences, the planner's part files, what it has not finished, its
reports of rows left out, and orders of single messages that legs may follow."""
CHECKPOINT_DAYS = 2
"""A plan goes on within minutes or not at all."""


def content_bucket(platform: Platform, opts: pulumi.ResourceOptions) -> Bucket:
    """The bucket of a stack."""
    return Bucket(
        "campaign-content",
        "campaign-content",
        platform,
        origins=platform.site.settings.allowed_origins,
        short_lived={CHECKPOINTS: CHECKPOINT_DAYS},
        opts=opts,
    )
