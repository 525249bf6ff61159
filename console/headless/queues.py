"""`queues`, `queues peek`, `queues redrive`: how full queues are, why messages were set aside, and back with them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from console.campaigns import require_confirmed
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.letter_bodies import shown_body
from console.letter_reasons import Reason, reason_of
from console.queues import Letter, QueueState, StackQueue, find_queue, physical_name
from console.services.interrupts import Interrupts
from console.services.monitor import stack_facts
from console.services.redrive import Course, Pace, Redrive
from console.sources.base import Connection
from console.sources.clients import Clients
from console.sources.letters import peek as peek_letters
from console.sources.queues import SqsLetters
from console.view import format as fmt
from console.view import queues as view
from console.view.segments import text_of


@dataclass(frozen=True, slots=True)
class Asked:
    """What a redrive is asked for: only messages whose reason has `reason` in it (in any case), at most `most`."""

    queue: str
    rate: float
    reason: str = ""
    most: int | None = None
    dry_run: bool = False


def show(connection: Connection, *, as_json: bool) -> ExitCode:
    """All queues with their depths."""
    states = connection.telemetry.queues()
    if as_json:
        talk.put_json([_state_document(state) for state in states])
    else:
        talk.put(text_of(view.queue_table(states)))
    return ExitCode.OK


def peek(connection: Connection, name: str, *, most: int, as_json: bool) -> ExitCode:
    """Some messages of a dead-letter queue, each with its reason; they stay where they are."""
    queue = find_queue(connection.outputs, name)
    letters = SqsLetters(_clients(connection), queue)
    found = [(letter, _reason(connection, queue, letter)) for letter in peek_letters(letters, most)]
    if as_json:
        talk.put_json({"queue": queue.dead_letters_name, "messages": [_letter_document(*each) for each in found]})
    elif found:
        talk.put(text_of(view.letter_lines(found, time.time())))
    talk.say(f"{fmt.count(len(found))} shown of about {fmt.count(letters.waiting())} in {queue.dead_letters_name}")
    return ExitCode.OK


def redrive(
    connection: Connection, asked: Asked, *, allow_actions: bool, confirm: str | None, as_json: bool
) -> ExitCode:
    """Move messages back to their queue, or say which would be moved."""
    queue = find_queue(connection.outputs, asked.queue)
    if not queue.url:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{queue.dead_letters_name} holds positions in a stream, not messages: nothing can be put back",
            "the counters are recounted when their campaigns settle (docs/runbooks/dead-letter-queue.md)",
        )
    letters = SqsLetters(_clients(connection), queue)
    if asked.dry_run:
        return _rehearse(connection, queue, letters, asked, as_json=as_json)
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    about = letters.waiting()
    course = talk.Course()
    with Interrupts() as interrupts:
        move = Redrive(
            letters,
            lambda letter: _is_asked_for(_reason(connection, queue, letter), asked),
            Pace(asked.rate, interrupts.pause, lambda: interrupts.wished),
            most=asked.most,
            told=lambda done: course(f"moved {fmt.count(done.moved)} of about {fmt.count(about)}"),
        )
        try:
            done = move.run()
        except Exception:
            talk.say(f"it ended after {fmt.count(move.course.moved)} were moved; nothing is lost, ask again to go on")
            raise
    return _tell(queue, done, letters.waiting(), as_json=as_json)


def _rehearse(
    connection: Connection, queue: StackQueue, letters: SqsLetters, asked: Asked, *, as_json: bool
) -> ExitCode:
    reasons: Counter[str] = Counter()

    def note(letter: Letter) -> bool:
        reason = _reason(connection, queue, letter)
        if _is_asked_for(reason, asked) and (asked.most is None or reasons.total() < asked.most):
            reasons[reason.sentence] += 1
        return False

    with Interrupts() as interrupts:
        done = Redrive(letters, note, Pace(asked.rate, interrupts.pause, lambda: interrupts.wished)).run()
    if as_json:
        talk.put_json({**_head(queue), "dry_run": True, "would_move": reasons.total(), "by_reason": dict(reasons)})
    else:
        talk.put(text_of(view.reason_lines(reasons, done.left, queue)))
    return ExitCode.INTERRUPTED if done.interrupted else ExitCode.OK


def _tell(queue: StackQueue, done: Course, remaining: int, *, as_json: bool) -> ExitCode:
    if as_json:
        talk.put_json({**_head(queue), **asdict(done), "refused": dict(done.refused), "remaining": remaining})
    else:
        talk.put(f"{fmt.count(done.moved)} moved from {queue.dead_letters_name} to {queue.name}")
    if done.came_back:
        talk.say(f"{fmt.count(done.came_back)} failed again and came back: is their cause corrected?")
    for code, number in done.refused.most_common():
        talk.say(f"{queue.name} refused {fmt.count(number)} ({code}); they stay in {queue.dead_letters_name}")
    if done.interrupted:
        talk.say(
            f"interrupted: {fmt.count(done.moved)} were moved, about {fmt.count(remaining)} are left in "
            f"{queue.dead_letters_name}; nothing is lost, ask again to go on"
        )
        return ExitCode.INTERRUPTED
    if remaining:
        talk.say(f"about {fmt.count(remaining)} are left in {queue.dead_letters_name}")
    return ExitCode.FAILED if done.refused or done.came_back else ExitCode.OK


def _head(queue: StackQueue) -> dict[str, Any]:
    return {"from": queue.dead_letters_name, "to": queue.name}


def _is_asked_for(reason: Reason, asked: Asked) -> bool:
    return reason.movable and asked.reason.lower() in reason.sentence.lower()


def _reason(connection: Connection, queue: StackQueue, letter: Letter) -> Reason:
    return reason_of(letter, queue.name, connection.outputs.messaging.rates().keys())


def _clients(connection: Connection) -> Clients:
    if connection.clients is None:
        raise ConsoleError(ProblemKind.BAD_INPUT, "there are no queues: this stack is made up or replayed")
    return connection.clients


def _state_document(state: QueueState) -> dict[str, Any]:
    queue = state.queue
    return {
        "name": queue.name,
        "queue": physical_name(queue.url) or None,
        **({} if state.depth is None else asdict(state.depth)),
        "dead_letter_queue": None
        if state.dead_letters is None
        else {
            "name": queue.dead_letters_name,
            "queue": physical_name(queue.dead_letters_url),
            **asdict(state.dead_letters),
        },
    }


def _letter_document(letter: Letter, reason: Reason) -> dict[str, Any]:
    return {
        "id": letter.id,
        "sent_at": fmt.stamp(letter.sent_ms / 1000),
        "receive_count": letter.received,
        "reason": reason.sentence,
        "readable": reason.readable,
        "movable": reason.movable,
        "body": shown_body(letter.body),
    }
