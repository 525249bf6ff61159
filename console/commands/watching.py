"""`alarms`, `watch`, `open`: the stack's state for scripts and pipes, and the screen at a place."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The commands' arguments."""
    alarms = commands.add_parser("alarms", parents=[shared], help="the stack's alarms, the loud ones first")
    alarms.add_argument("--exit-code", action="store_true", help="exit with 1 when an alarm is in ALARM")
    alarms.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    alarms.set_defaults(make=_alarms)
    watch = commands.add_parser("watch", parents=[shared], help="a snapshot per beat, one line each, until Ctrl-C")
    watch.add_argument("--every", metavar="SECONDS", default="10", help="seconds between two lines (default: 10)")
    watch.add_argument("--beats", metavar="N", default=None, help="leave after this many")
    watch.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="each line as a JSON object")
    watch.set_defaults(make=_watch)
    opening = commands.add_parser("open", parents=[shared], help="the screen at the place that a link names")
    opening.add_argument("link", metavar="LINK", help="cpaas://STACK/SCREEN/SUBJECT, as `y` `l` copies it")


def _alarms(arguments: argparse.Namespace) -> Command:
    from console.headless import alarms

    return lambda connection: alarms.run(connection, as_json=arguments.json, exit_code=arguments.exit_code)


def _watch(arguments: argparse.Namespace) -> Command:
    from console.headless import watch

    every, beats = watch.parse_every(arguments.every), watch.parse_beats(arguments.beats)
    return lambda connection: watch.run(connection, every=every, beats=beats, as_json=arguments.json)
