"""Spend caps at full size: 10,000 concurrent reservations against the embedded DynamoDB."""

from __future__ import annotations

import pytest

from localcloud import launch
from tests.support.bare_tables import dynamo, make_tables
from tests.support.reservations import assert_exact, storm

RESERVATIONS = 10_000
THREADS = 64
DAY_ROWS = 5_000
CAMPAIGN_ROWS = 3_750


@pytest.mark.timeout(600)
def test_ten_thousand_reservations_at_once_are_not_a_cent_over() -> None:
    with launch.start(launch.LaunchOptions(provision=False)) as cloud:
        tables = make_tables(dynamo(cloud, connections=THREADS), "caps")
        outcome = storm(
            tables, "caps", attempts=RESERVATIONS, day_rows=DAY_ROWS, campaign_rows=CAMPAIGN_ROWS, threads=THREADS
        )
    assert_exact(outcome, day_rows=DAY_ROWS, campaign_rows=CAMPAIGN_ROWS, threads=THREADS)
