"""`opt-outs check|add|lift|erase`: who must not be written to."""

from __future__ import annotations

from typing import Any

from console.campaigns import require_confirmed
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.services.monitor import stack_facts
from console.sources.base import Connection
from console.sources.records_api import records_of
from console.view.foreign import texts_of
from console.view.opt_outs import opt_out_lines
from console.view.segments import text_of
from lambdas.core.redaction import mask_destination


def check(connection: Connection, channel: str, address: str, *, as_json: bool) -> ExitCode:
    """Whether an address may be written to on a channel."""
    return _show(records_of(connection).opt_out(channel, address), address, as_json=as_json)


def add(
    connection: Connection, channel: str, address: str, *, allow_actions: bool, confirm: str | None, as_json: bool
) -> ExitCode:
    """Record an opt-out."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    return _show(records_of(connection).record_opt_out(channel, address), address, as_json=as_json)


def lift(
    connection: Connection,
    channel: str,
    address: str,
    *,
    provider_list_lifted: bool,
    allow_actions: bool,
    confirm: str | None,
    as_json: bool,
) -> ExitCode:
    """Lift the opt-out that is read now; one that comes in meanwhile is not lifted unseen."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    records = records_of(connection)
    found = records.opt_out(channel, address)
    if not found.get("opted_out"):
        return _show(found, address, as_json=as_json)
    version = found.get("version")
    if not isinstance(version, int):
        raise ConsoleError(ProblemKind.BAD_ANSWER, "the API tells no version of the opt-out", "is it of this version?")
    lifted = records.lift_opt_out(channel, address, version, provider_list_lifted=provider_list_lifted)
    return _show(lifted, address, as_json=as_json)


def erase(connection: Connection, address: str, *, allow_actions: bool, confirm: str | None, as_json: bool) -> ExitCode:
    """Forget a recipient on every channel where no opt-out holds."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    answer = records_of(connection).forget(address)
    if as_json:
        talk.put_json(answer)
        return ExitCode.OK
    kept = texts_of(answer, "opt_outs_kept")
    talk.put(f"{mask_destination(address)} is forgotten" + (f", except on {', '.join(kept)}" if kept else ""))
    if kept:
        talk.say("an opt-out holds there; without it the recipient would be written to again")
    return ExitCode.OK


def _show(found: dict[str, Any], address: str, *, as_json: bool) -> ExitCode:
    masked = mask_destination(address)
    if as_json:
        talk.put_json({**found, "address": masked})
    else:
        talk.put(text_of(opt_out_lines(found, masked)))
    return ExitCode.OK
