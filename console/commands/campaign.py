"""`campaign`: send, list, show, and change what runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands import Commands

if TYPE_CHECKING:
    from console.commands import Command

CHANGES = {
    "pause": "stop sending for now",
    "resume": "send on after a pause",
    "cancel": "stop sending for good",
    "tps": "change the pace of a campaign",
}


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    campaign = commands.add_parser("campaign", help="send, list and show campaigns; pause, resume, cancel, change TPS")
    acts = campaign.add_subparsers(dest="act", metavar="ACT", required=True)
    send = acts.add_parser(
        "send", parents=[shared], help="send a campaign to simulator numbers, or to the people of a file"
    )
    _send_arguments(send)
    listing = acts.add_parser("list", parents=[shared], help="the newest campaigns")
    listing.set_defaults(make=_list)
    show = acts.add_parser("show", parents=[shared], help="one campaign")
    show.add_argument("campaign_id", metavar="ID")
    show.set_defaults(make=_show)
    changes = [acts.add_parser(name, parents=[shared], help=words) for name, words in CHANGES.items()]
    for each in changes:
        each.add_argument("campaign_id", metavar="ID")
        each.set_defaults(make=_change, tps=None)
    changes[-1].add_argument("tps", metavar="N", help="messages per second")
    for each in (send, *changes):
        each.add_argument("--confirm", metavar="STACK", help="the stack's name again, needed in production")
    for each in (send, listing, show, *changes):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _send_arguments(send: argparse.ArgumentParser) -> None:
    send.add_argument("--recipients", metavar="N", help="that many simulator destinations")
    send.add_argument("--audience", metavar="FILE", type=Path, help="or the people of a CSV or JSON lines file")
    send.add_argument("--content", metavar="FILE", type=Path, help="with --audience: the API's `content`, as JSON")
    send.add_argument("--tps", required=True, metavar="R", help="messages per second")
    send.add_argument("--body", metavar="TEXT")
    send.add_argument(
        "--channels",
        metavar="LIST",
        help="sms, email, and on a local stack whatsapp, by turns (default: sms); with --audience the channel of rows "
        "that name none",
    )
    send.add_argument("--dry-run", action="store_true", help="show recipients, parts, cost and duration; send nothing")
    send.add_argument("--wait", action="store_true", help="until nothing is left to send")
    send.add_argument("--wait-receipts", metavar="SECONDS", help="and then for all receipts, at most this long")
    send.set_defaults(make=_send)


def _list(arguments: argparse.Namespace) -> Command:
    from console.headless import campaign

    return lambda connection: campaign.list_all(connection, as_json=arguments.json)


def _show(arguments: argparse.Namespace) -> Command:
    from console.headless import campaign

    return lambda connection: campaign.show(connection, arguments.campaign_id, as_json=arguments.json)


def _send(arguments: argparse.Namespace) -> Command:
    from console.campaigns import make_request, parse_seconds
    from console.headless import campaign

    receipts = None if arguments.wait_receipts is None else parse_seconds(arguments.wait_receipts)
    if arguments.audience is not None:
        return _send_audience(arguments, receipts)
    request = make_request(arguments.recipients, arguments.tps, arguments.body, arguments.channels or "sms")
    if arguments.dry_run:
        return lambda connection: campaign.dry_run(connection, request, as_json=arguments.json)
    return lambda connection: campaign.send(
        connection,
        request,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        wait=arguments.wait,
        wait_receipts=receipts,
        as_json=arguments.json,
    )


def _send_audience(arguments: argparse.Namespace, wait_receipts: float | None) -> Command:
    from console.audiences import make_order
    from console.headless import audience

    order = make_order(
        arguments.audience, arguments.tps, arguments.body, arguments.channels, arguments.content, arguments.recipients
    )
    return lambda connection: audience.send(
        connection,
        order,
        dry_run=arguments.dry_run,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        wait=arguments.wait,
        wait_receipts=wait_receipts,
        as_json=arguments.json,
    )


def _change(arguments: argparse.Namespace) -> Command:
    from console.campaigns import make_change, parse_campaign_id
    from console.headless import changes

    change = make_change(arguments.act, arguments.tps)
    campaign_id = parse_campaign_id(arguments.campaign_id)
    return lambda connection: changes.run(
        connection,
        campaign_id,
        change,
        allow_actions=arguments.allow_actions,
        confirm=arguments.confirm,
        as_json=arguments.json,
    )
