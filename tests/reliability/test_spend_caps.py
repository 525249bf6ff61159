"""Spend caps at full size: 10,000 concurrent reservations against the embedded DynamoDB, and 4,000 of which a fifth of
the calls fail, half of them once they have had effect."""

from __future__ import annotations

import pytest

from lambdas.adapters.dynamo import Table
from localcloud import launch
from tests.support.bare_tables import dynamo, make_tables
from tests.support.faults import Faults
from tests.support.reservations import assert_exact, storm

RESERVATIONS = 10_000
THREADS = 64
DAY_ROWS = 5_000
CAMPAIGN_ROWS = 3_750
FAILING_RESERVATIONS, FAILING_DAY_ROWS, FAILING_CAMPAIGN_ROWS = 4_000, 1_500, 1_125


@pytest.mark.timeout(600)
def test_ten_thousand_reservations_at_once_are_not_a_cent_over() -> None:
    with launch.start(launch.LaunchOptions(provision=False)) as cloud:
        tables = make_tables(dynamo(cloud, attempts=1, connections=THREADS), "caps")
        outcome = storm(
            tables, "caps", attempts=RESERVATIONS, day_rows=DAY_ROWS, campaign_rows=CAMPAIGN_ROWS, threads=THREADS
        )
    assert_exact(outcome, day_rows=DAY_ROWS, campaign_rows=CAMPAIGN_ROWS, threads=THREADS)


@pytest.mark.timeout(600)
def test_four_thousand_reservations_with_lost_answers_are_not_a_cent_over() -> None:
    with launch.start(launch.LaunchOptions(provision=False)) as cloud:
        tables = make_tables(dynamo(cloud, attempts=1, connections=THREADS), "lost")
        client = dynamo(cloud, attempts=1, connections=THREADS)
        faults = Faults(0.2, "caps")
        faults.spoil(client)
        outcome = storm(
            tables,
            "lost",
            attempts=FAILING_RESERVATIONS,
            day_rows=FAILING_DAY_ROWS,
            campaign_rows=FAILING_CAMPAIGN_ROWS,
            threads=THREADS,
            through=Table(client, tables.campaigns.name),
        )
    assert min(faults.injected["timeout"], faults.injected["throttle"]) > 100
    assert_exact(outcome, day_rows=FAILING_DAY_ROWS, campaign_rows=FAILING_CAMPAIGN_ROWS, threads=THREADS)
