"""`setup`: what belongs to a stack and has no resource, looked at or made so; and what remains by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from console.campaigns import require_confirmed
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import checks, talk
from console.headless.channel_checks import channel_checks
from console.services.monitor import stack_facts
from console.setup import sms, whatsapp
from console.setup.outcome import Outcome, Word
from console.setup.steps import Finding, Step, by_hand, carry_out, there
from console.setup.wishes import Wishes
from console.sources.base import Connection
from console.sources.clients import Clients
from console.view.segments import text_of
from console.view.setup import outcome_lines
from lambdas.core.redaction import mask_number

ONLY_PEOPLE = ("SMS number", "SMS account tier", "WhatsApp number", "email identity", "email account")
"""Checks of `doctor` about what AWS lets nobody but a person do; a step of their own does the others."""


def run(
    connection: Connection,
    wishes: Wishes,
    *,
    apply: bool,
    allow_actions: bool,
    confirm: str | None,
    as_json: bool,
) -> ExitCode:
    """Tell each step's state, with `apply` after having done it; a step that failed makes the exit code 1."""
    clients = _clients(connection)
    if apply:
        require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
        for outcome in carry_out(_steps(connection, clients, wishes), apply=False):
            if outcome.word is Word.WOULD:
                talk.say(f"will do: {outcome.name}: {outcome.detail}")
    outcomes: list[Outcome] = []
    for outcome in carry_out(_steps(connection, clients, wishes), apply=apply):
        outcomes.append(outcome)
        if not as_json:
            talk.put(text_of(outcome_lines(outcome, talk.glyphs())))
    if as_json:
        talk.put_json(
            {
                "stack": connection.outputs.identity.stack,
                "applied": apply,
                "steps": [
                    {"name": each.name, "word": each.word.value, "detail": each.detail, "remedy": each.remedy}
                    for each in outcomes
                ],
            }
        )
    if any(each.word is Word.WOULD for each in outcomes):
        talk.say("nothing was changed; --apply does what would be done")
    return ExitCode.FAILED if any(each.word is Word.FAILED for each in outcomes) else ExitCode.OK


def verify(
    connection: Connection,
    number: str,
    code: str | None,
    *,
    allow_actions: bool,
    confirm: str | None,
    as_json: bool,
) -> ExitCode:
    """Verify a number of the sandbox with the code that was sent to it, or send one."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    done = sms.verify(_clients(connection), connection.outputs.messaging, number, code)
    if as_json:
        talk.put_json({"number": mask_number(number), "done": done})
    else:
        talk.put(done)
    return ExitCode.OK


def _steps(connection: Connection, clients: Clients, wishes: Wishes) -> Iterator[Step]:
    outputs = connection.outputs
    yield from sms.steps(clients, outputs.identity, outputs.messaging, wishes)
    yield from whatsapp.steps(clients, outputs.messaging, wishes)
    for name, check in channel_checks(clients, outputs.messaging):
        if name in ONLY_PEOPLE:
            yield Step(name, partial(_for_people, check))


def _for_people(check: Callable[[], checks.Check]) -> Finding:
    found = check()
    return there(found.detail) if found.word is checks.Word.OK else by_hand(found.detail, found.remedy)


def _clients(connection: Connection) -> Clients:
    if connection.clients is None:
        raise ConsoleError(ProblemKind.BAD_INPUT, "there is nothing to set up: this stack is made up or replayed")
    return connection.clients
