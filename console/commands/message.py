"""`message` and `overdue`: what became of one message, and which have no final receipt."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The commands' arguments."""
    message = commands.add_parser(
        "message", parents=[shared], help="the timeline of one message: each leg, each status, why it was not sent"
    )
    message.add_argument("message_id", metavar="ID")
    message.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    message.set_defaults(make=_message)
    overdue = commands.add_parser(
        "overdue", parents=[shared], help="messages whose final receipt has not come, by age, channel and campaign"
    )
    overdue.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    overdue.set_defaults(make=_overdue)


def _message(arguments: argparse.Namespace) -> Command:
    from console.headless import message

    return lambda connection: message.run(connection, arguments.message_id, as_json=arguments.json)


def _overdue(arguments: argparse.Namespace) -> Command:
    from console.headless import message

    return lambda connection: message.overdue(connection, as_json=arguments.json)
