"""`opt-outs`: who must not be written to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command

ACTS = {
    "check": "whether an address may be written to on a channel",
    "add": "record an opt-out",
    "lift": "lift an opt-out, if the recipient asks for messages again",
    "erase": "forget a recipient on every channel where no opt-out holds",
}


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    opt_outs = commands.add_parser("opt-outs", help="check, add and lift opt-outs; erase a recipient")
    acts = opt_outs.add_subparsers(dest="act", metavar="ACT", required=True)
    for name, words in ACTS.items():
        act = acts.add_parser(name, parents=[shared], help=words)
        if name != "erase":
            act.add_argument("channel", metavar="CHANNEL", help="sms, whatsapp or email")
        act.add_argument("address", metavar="ADDRESS", help="+14255550156 or ada@example.com")
        if name == "lift":
            act.add_argument(
                "--provider-list-lifted",
                action="store_true",
                help="the address is off the provider's own list, where it stood there too",
            )
        if name != "check":
            act.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
        act.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
        act.set_defaults(make=_make)


def _make(arguments: argparse.Namespace) -> Command:
    from console.headless import opt_outs

    address, as_json = arguments.address, arguments.json
    if arguments.act == "check":
        return lambda connection: opt_outs.check(connection, arguments.channel, address, as_json=as_json)
    allow, confirm = arguments.allow_actions, arguments.confirm
    if arguments.act == "add":
        return lambda connection: opt_outs.add(
            connection, arguments.channel, address, allow_actions=allow, confirm=confirm, as_json=as_json
        )
    if arguments.act == "erase":
        return lambda connection: opt_outs.erase(
            connection, address, allow_actions=allow, confirm=confirm, as_json=as_json
        )
    return lambda connection: opt_outs.lift(
        connection,
        arguments.channel,
        address,
        provider_list_lifted=arguments.provider_list_lifted,
        allow_actions=allow,
        confirm=confirm,
        as_json=as_json,
    )
