"""Dead letters as rows."""

from __future__ import annotations

import json

from console.telemetry import DeadLetter
from console.view import format as fmt
from console.view.segments import Line, Role, line
from console.view.table import Column, Kind, Look

BODY_LINES = 200


def _age(letter: DeadLetter, look: Look) -> str:
    return fmt.age(look.now - letter.sent_at)


def received_words(letter: DeadLetter) -> str:
    """How often it was received, this console's looks included."""
    return "once" if letter.received == 1 else f"{letter.received} times"


KIND: Kind[DeadLetter] = Kind(
    name="letters",
    columns=(
        Column("age", 5, _age, key=lambda letter: -letter.sent_at, role=lambda _: Role.MUTED, right=True, live=True),
        Column("received", 9, lambda letter, _: received_words(letter), key=lambda letter: letter.received),
        Column("reason", 0, lambda letter, _: letter.reason, role=lambda _: Role.WARN),
        Column("id", 36, lambda letter, _: letter.id, role=lambda _: Role.MUTED, need=140),
    ),
    id=lambda letter: letter.id,
    sort="age",
    descending=True,
)


def details(letter: DeadLetter, *, compact: bool = False) -> list[Line]:
    """One letter with its whole reason and its body, numbers masked and texts left out; `compact` as it came."""
    lines = [
        line((letter.reason, Role.WARN)),
        line((f"sent {fmt.stamp(letter.sent_at)}, received {received_words(letter)}, {letter.id}", Role.MUTED)),
    ]
    if compact:
        return [*lines, line(letter.body)]
    return [*lines, (), *(line(text) for text in body_lines(letter.body))]


def body_lines(body: str) -> list[str]:
    """The body, one line a field where it is JSON."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return [body]
    if not isinstance(document, dict | list):
        return [body]
    lines = json.dumps(document, indent=2, ensure_ascii=False).splitlines()
    return lines if len(lines) <= BODY_LINES else [*lines[:BODY_LINES], f"and {len(lines) - BODY_LINES} lines more"]
