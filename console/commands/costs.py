"""`costs`: what a customer or a campaign has cost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    costs = commands.add_parser("costs", help="what the messages of a customer or a campaign have cost")
    kinds = costs.add_subparsers(dest="kind", metavar="KIND", required=True)
    customer = kinds.add_parser("customer", parents=[shared], help="by channel, campaign and status")
    customer.add_argument("id", metavar="ID")
    customer.add_argument(
        "--from", metavar="DAY", dest="first", help="YYYY-MM-DD, UTC (default: the first of the month)"
    )
    customer.add_argument("--to", metavar="DAY", dest="last", help="YYYY-MM-DD, included (default: today)")
    customer.set_defaults(make=_customer)
    campaign = kinds.add_parser("campaign", parents=[shared], help="by channel, and its cap")
    campaign.add_argument("id", metavar="ID")
    campaign.set_defaults(make=_campaign)
    for each in (customer, campaign):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _customer(arguments: argparse.Namespace) -> Command:
    from datetime import UTC, datetime

    from console.costs import parse_days
    from console.headless import costs

    days = parse_days(arguments.first, arguments.last, datetime.now(UTC).date())
    return lambda connection: costs.customer(connection, arguments.id, days, as_json=arguments.json)


def _campaign(arguments: argparse.Namespace) -> Command:
    from console.headless import costs

    return lambda connection: costs.campaign(connection, arguments.id, as_json=arguments.json)
