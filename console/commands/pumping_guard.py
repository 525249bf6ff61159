"""`pumping-guard`: ranges and countries that the guard against SMS pumping holds back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    guard = commands.add_parser("pumping-guard", help="what is held back as SMS pumping, and lifting it")
    acts = guard.add_subparsers(dest="act", metavar="ACT", required=True)
    listing = acts.add_parser("list", parents=[shared], help="the blocks in force")
    listing.set_defaults(make=_list)
    lift = acts.add_parser(
        "lift", parents=[shared], help="let messages go out again; nothing is blocked there for a day"
    )
    lift.add_argument("block", metavar="ID", help="as the list names it, or number:+14255550100")
    lift.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
    lift.set_defaults(make=_lift)
    for each in (listing, lift):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _list(arguments: argparse.Namespace) -> Command:
    from console.headless import pumping_guard

    return lambda connection: pumping_guard.show(connection, as_json=arguments.json)


def _lift(arguments: argparse.Namespace) -> Command:
    from console.headless import pumping_guard

    return lambda connection: pumping_guard.lift(
        connection,
        arguments.block,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        as_json=arguments.json,
    )
