"""`queues`, `queues peek`, `queues redrive`: how full queues are, why messages were set aside, and back with them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from console.campaigns import require_confirmed
from console.exit_codes import ExitCode
from console.headless import talk
from console.letter_bodies import shown_body
from console.letter_reasons import Reason
from console.queues import Course, Letter, QueueState, StackQueue, find_queue, physical_name
from console.services.interrupts import Interrupts
from console.services.monitor import stack_facts
from console.services.redrive import Pace, Redrive
from console.services.selection import Rehearsal, Selection, require_movable
from console.sources.base import Connection
from console.sources.letters import Letters
from console.sources.letters import peek as peek_letters
from console.view import format as fmt
from console.view import queues as view
from console.view.segments import plain, text_of


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
    letters, selection = connection.letters(queue), _selection(connection, queue)
    found = [(letter, selection.why(letter)) for letter in peek_letters(letters, most)]
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
    require_movable(queue)
    letters, selection = connection.letters(queue), _selection(connection, queue, asked.reason)
    if asked.dry_run:
        return _rehearse(letters, selection, asked, as_json=as_json)
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    about = letters.waiting()
    course = talk.Course()
    with Interrupts() as interrupts:
        move = Redrive(
            letters,
            selection.holds,
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


def _rehearse(letters: Letters, selection: Selection, asked: Asked, *, as_json: bool) -> ExitCode:
    queue = selection.queue
    with Interrupts() as interrupts:
        pace = Pace(asked.rate, interrupts.pause, lambda: interrupts.wished)
        rehearsal = Rehearsal(letters, selection, pace, most=asked.most)
        done = rehearsal.run()
    reasons = rehearsal.reasons
    if as_json:
        talk.put_json({**_head(queue), "dry_run": True, "would_move": reasons.total(), "by_reason": dict(reasons)})
    else:
        talk.put(text_of(view.reason_lines(reasons, done.left, queue)))
    return ExitCode.INTERRUPTED if done.interrupted else ExitCode.OK


def _tell(queue: StackQueue, done: Course, remaining: int, *, as_json: bool) -> ExitCode:
    moved, *rest = map(plain, view.outcome_lines(queue, done, remaining))
    if as_json:
        talk.put_json({**_head(queue), **asdict(done), "refused": dict(done.refused), "remaining": remaining})
    else:
        talk.put(moved)
    for sentence in rest:
        talk.say(sentence)
    if done.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if done.refused or done.came_back else ExitCode.OK


def _head(queue: StackQueue) -> dict[str, Any]:
    return {"from": queue.dead_letters_name, "to": queue.name}


def _selection(connection: Connection, queue: StackQueue, reason: str = "") -> Selection:
    return Selection(queue, connection.outputs.messaging.rates().keys(), reason)


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
