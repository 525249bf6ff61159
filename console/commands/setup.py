"""`setup`: what belongs to a stack and has no resource of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command

EPILOG = """\
Without --apply it only looks, and says of each step whether it is there, what would be done, and what remains by hand.
What is there is left alone, so it may be run again at any time, also after an interruption. FILE (JSON or TOML) holds
what is wished for; its keys are in docs/operations.md.
"""


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    setup = commands.add_parser(
        "setup",
        parents=[shared],
        help="set up what has no resource: WhatsApp events and templates, allowed countries, limits, test numbers",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    setup.add_argument("--file", metavar="FILE", type=Path, help="what is wished for")
    setup.add_argument("--apply", action="store_true", help="do what would be done")
    setup.add_argument("--verify", metavar="NUMBER", help="finish a test number's verification, by its --code")
    setup.add_argument("--code", metavar="CODE", help="the code that was sent to it; without one it is sent again")
    setup.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
    setup.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    setup.set_defaults(make=_setup)


def _setup(arguments: argparse.Namespace) -> Command:
    from console.headless import setup
    from console.setup.wishes import Wishes, parse_code, parse_number, read_wishes

    if arguments.verify is not None:
        number = parse_number(arguments.verify)
        code = None if arguments.code is None else parse_code(arguments.code)
        return lambda connection: setup.verify(
            connection,
            number,
            code,
            allow_actions=arguments.allow_actions,
            confirm=arguments.confirm,
            as_json=arguments.json,
        )
    wishes = Wishes() if arguments.file is None else read_wishes(arguments.file)
    return lambda connection: setup.run(
        connection,
        wishes,
        apply=arguments.apply,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        as_json=arguments.json,
    )
