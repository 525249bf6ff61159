"""What `:` understands: a screen with an optional subject, or one of a few commands; parsed and completed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from console.clock import SteeredClock
from console.domain import ConsoleError, ProblemKind
from console.places import SCHEME, Place, parse_link
from console.text import safe_line

MAX_SECONDS = 3600.0
MAX_SPEED = 1000.0
COMMANDS: Mapping[str, str] = {
    "quit": "leave the console",
    "help": "keys and words",
    "every": "every SECONDS | auto | off: read no feed more often than that; off: only when r asks",
    "theme": "theme NAME",
    "export": "export csv | json | ndjson | svg: write what is shown into a file here",
    "columns": "columns NAME,NAME | auto: the columns of this table",
    "copy": "copy the link of this place",
    "back": "the place before",
    "at": "at HH:MM[:SS] | +SECONDS | -SECONDS | start | end: go to a moment of a replay",
    "speed": "speed N: replay N times as fast, 0 stands still",
}
"""Commands that are no screens, and what they do."""
SHORT: Mapping[str, str] = {"q": "quit", "q!": "quit", "h": "help", "?": "help", "-": "back"}


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that is no screen."""

    name: str
    argument: str = ""


def parse_command(text: str, aliases: Mapping[str, str], stack: str) -> Place | Verb:
    """What was typed; `aliases` gives the screen for each of its names. Raises `ConsoleError` for anything else."""
    if text.startswith(f"{SCHEME}://"):
        return linked_place(text, aliases, stack)
    word, _, rest = text.strip().partition(" ")
    name, argument = word.lower(), rest.strip()
    if name in aliases:
        return Place(aliases[name], argument)
    verb = SHORT.get(name, name)
    if verb not in COMMANDS:
        close = [each for each in (*aliases, *COMMANDS) if name and each.startswith(name[:2])]
        remedy = f"did you mean {' or '.join(close[:3])}?" if close else "tab completes, ? explains"
        raise ConsoleError(ProblemKind.BAD_INPUT, f"there is no command {safe_line(word, 40)!r}", remedy)
    return Verb(verb, argument)


def linked_place(text: str, aliases: Mapping[str, str], stack: str) -> Place:
    """The place of a link into this stack; raises `ConsoleError` for one into another."""
    named, place = parse_link(text)
    if named != stack:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"the link leads to the stack {named}, this is {stack}",
            f"open it with `cpaas-console --stack {named} open LINK`",
        )
    if place.screen not in aliases:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"the link names the screen {place.screen!r}", "this version has no such screen"
        )
    return Place(aliases[place.screen], place.subject, place.params)


def parse_seconds(text: str) -> float:
    """The shortest time between two reads of a feed, 0 for `auto`."""
    if text == "auto":
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= MAX_SECONDS:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{safe_line(text, 20) or 'nothing'} is no number of seconds",
            f"give one above 0 and at most {MAX_SECONDS:g}, auto or off",
        )
    return seconds


def complete(text: str, aliases: Mapping[str, str], subjects: Mapping[str, Sequence[str]]) -> str | None:
    """The first line that `text` may become: a screen or command, then a subject of the screen."""
    word, blank, rest = text.partition(" ")
    if not blank:
        names = [*dict.fromkeys(aliases.values()), *aliases, *COMMANDS]
        return next((each for each in names if each.startswith(word.lower()) and each != word), None)
    known = subjects.get(aliases.get(word.lower(), word.lower()), ())
    return next((f"{word} {each}" for each in known if each.startswith(rest) and each != rest), None)


def parse_moment(text: str, now: float, clock: SteeredClock) -> float:
    """A moment of a replay (epoch seconds); a time of day is that of the day at `now`, in UTC."""
    if text in ("start", "end"):
        return clock.begin if text == "start" else clock.end
    if re.fullmatch(r"[+-]\d{1,6}", text):
        return now + int(text)
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", text):
        day = datetime.fromtimestamp(now, UTC).date()
        return datetime.combine(day, time.fromisoformat(text), UTC).timestamp()
    raise ConsoleError(
        ProblemKind.BAD_INPUT,
        f"{safe_line(text, 20) or 'nothing'} is no moment",
        "give HH:MM or HH:MM:SS in UTC, +SECONDS, -SECONDS, start or end",
    )


def parse_speed(text: str) -> float:
    """How many times as fast a replay goes on."""
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= MAX_SPEED:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{safe_line(text, 20) or 'nothing'} is no speed",
            f"give 0 to stand still, 1 for real time, at most {MAX_SPEED:g}",
        )
    return speed
