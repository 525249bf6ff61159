"""`session`: a session tried out as a speaker and many listeners would use it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command

EPILOG = """\
A speaker is made in the stack's user pool and deleted at the end (or comes with --token-file), opens a session, and
listeners join it; each sends heartbeats, the speaker broadcasts, and at the end the session is ended. Ctrl-C ends it
early in the same way. Targets: creation below 2 s, joins below 1 s, heartbeats below 0.1 s, each by its p95 up to the
greeting or answer as it is seen from here.

The stack allows one address few joins a minute unless `sessions.joins_per_minute` and `sessions.attempts_per_minute`
are raised; who is refused is counted.

exit codes: 0 measured; 1 the session broke, or with --check anything was lost, refused or slower than its target;
2 nothing could be opened; 130 interrupted.
"""


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    session = commands.add_parser("session", help="try out a WebSocket session with many listeners")
    acts = session.add_subparsers(dest="act", metavar="ACT", required=True)
    test = acts.add_parser(
        "test",
        parents=[shared],
        help="open a session, let listeners join, send heartbeats and broadcasts, measure, clean up",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("--listeners", required=True, metavar="N", help="how many listeners")
    test.add_argument("--ramp", metavar="PER_SECOND", help="how many of them come in a second (default: 400)")
    test.add_argument("--languages", metavar="LIST", help="in which they listen, by turns (default: de)")
    test.add_argument("--broadcasts", metavar="K", help="how many messages the speaker sends (default: 5)")
    test.add_argument("--token-file", metavar="FILE", type=Path, help="a Cognito ID token of a speaker who exists")
    test.add_argument("--check", action="store_true", help="end with 1 unless everything was as it should be")
    test.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
    test.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    test.set_defaults(make=_test)


def _test(arguments: argparse.Namespace) -> Command:
    from console.headless import session
    from console.queues import parse_number
    from console.sessions.trial import Wish

    wish = Wish(
        listeners=parse_number(arguments.listeners, "the number of listeners", session.MOST_LISTENERS),
        ramp=session.DEFAULT_RAMP if arguments.ramp is None else session.parse_ramp(arguments.ramp),
        languages=session.parse_languages(arguments.languages or session.DEFAULT_LANGUAGES),
        broadcasts=session.DEFAULT_BROADCASTS
        if arguments.broadcasts is None
        else parse_number(arguments.broadcasts, "the number of broadcasts", session.MOST_BROADCASTS),
    )
    asked = session.Asked(wish, arguments.token_file, arguments.check)
    return lambda connection: session.test(
        connection,
        asked,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        as_json=arguments.json,
    )
