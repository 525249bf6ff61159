"""`queues`: depths, a look into a dead-letter queue, and messages back where they came from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command

EPILOG = """\
NAME is short (receipts, outbox, plan, sms-work ...) or the queue's name in AWS; with or without -dlq, its dead-letter
queue is meant.

peek consumes nothing, but SQS counts it as one receive more of each message shown; it promises neither order nor that
all messages are seen at once.

redrive puts each message into its queue first and deletes it from the dead-letter queue after that, so an interruption
loses nothing. What is then in both is worked on twice, which every consumer here bears.
"""


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    queues = commands.add_parser(
        "queues",
        parents=[shared],
        help="how full the queues are; look into dead-letter queues and redrive them",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    queues.set_defaults(make=_show)
    acts = queues.add_subparsers(dest="act", metavar="ACT")
    peek = acts.add_parser("peek", parents=[shared], help="messages that were set aside, with the reason of each")
    peek.add_argument("name", metavar="NAME")
    peek.add_argument("--limit", metavar="N", help="how many (default: 10)")
    peek.set_defaults(make=_peek)
    redrive = acts.add_parser("redrive", parents=[shared], help="move messages back to the queue they came from")
    redrive.add_argument("name", metavar="NAME")
    redrive.add_argument("--rate", metavar="R", help="messages per second (default: 10)")
    redrive.add_argument("--reason", metavar="TEXT", default="", help="only messages whose reason contains this")
    redrive.add_argument("--limit", metavar="N", help="at most so many")
    redrive.add_argument("--dry-run", action="store_true", help="count what would be moved, by reason")
    redrive.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
    redrive.set_defaults(make=_redrive)
    for each in (queues, peek, redrive):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _show(arguments: argparse.Namespace) -> Command:
    from console.headless import queues

    return lambda connection: queues.show(connection, as_json=arguments.json)


def _peek(arguments: argparse.Namespace) -> Command:
    from console.headless import queues
    from console.queues import DEFAULT_PEEK, MAX_PEEK, parse_number

    most = DEFAULT_PEEK if arguments.limit is None else parse_number(arguments.limit, "the limit", MAX_PEEK)
    return lambda connection: queues.peek(connection, arguments.name, most=most, as_json=arguments.json)


def _redrive(arguments: argparse.Namespace) -> Command:
    from console.headless import queues
    from console.queues import DEFAULT_RATE, MAX_REDRIVE, parse_number, parse_rate

    asked = queues.Asked(
        queue=arguments.name,
        rate=DEFAULT_RATE if arguments.rate is None else parse_rate(arguments.rate),
        reason=arguments.reason,
        most=None if arguments.limit is None else parse_number(arguments.limit, "the limit", MAX_REDRIVE),
        dry_run=arguments.dry_run,
    )
    return lambda connection: queues.redrive(
        connection,
        asked,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        as_json=arguments.json,
    )
