"""`pumping-guard list|lift`: what is held back as SMS pumping."""

from __future__ import annotations

from console.campaigns import require_confirmed
from console.exit_codes import ExitCode
from console.headless import talk
from console.services.monitor import stack_facts
from console.sources.base import Connection
from console.sources.records_api import records_of
from console.text import safe_line
from console.view import format as fmt
from console.view.foreign import number_of, objects_of, stamp_of, word_of
from console.view.segments import line, pad, text_of


def show(connection: Connection, *, as_json: bool) -> ExitCode:
    """The blocks in force, the last to end first."""
    answer = records_of(connection).pumping_blocks()
    if as_json:
        talk.put_json(answer)
        return ExitCode.OK
    rows = [
        line(
            f"{pad(word_of(block, 'id', 32), 32)} {pad(word_of(block, 'kind', 8), 8)} "
            f"{pad(word_of(block, 'name', 20), 20)} until {stamp_of(block, 'until_ms')}"
        )
        for block in objects_of(answer, "blocks")
    ]
    if rows:
        talk.put(text_of(rows))
    else:
        talk.say("nothing is held back as SMS pumping")
    return ExitCode.OK


def lift(connection: Connection, block: str, *, allow_actions: bool, confirm: str | None, as_json: bool) -> ExitCode:
    """Lift a block; what it held is left alone for a while."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    answer = records_of(connection).lift_pumping_block(block)
    if as_json:
        talk.put_json(answer)
    else:
        span = fmt.span(number_of(answer, "exempt_seconds"))
        talk.put(f"{safe_line(block, 40)} is lifted, and left alone for {span}")
    return ExitCode.OK
