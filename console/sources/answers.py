"""The lines of a recording, and what they say that was answered up to a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from console.domain import ConsoleError, ProblemKind
from console.sources.codec import SCHEMA, Entry, Head, answer, key_of, method_name
from console.text import safe_line

T = TypeVar("T")


def read_recording(path: Path) -> tuple[Head, list[Entry]]:
    """The lines of a recording; a last line that was cut off when its console died is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise unreadable(path, str(error.strerror)) from error
    try:
        head = msgspec.json.decode(lines[0], type=Head)
    except msgspec.MsgspecError as error:
        raise unreadable(path, "its first line is none of a recording") from error
    if head.schema != SCHEMA:
        raise unreadable(path, f"it is of version {head.schema}, this console reads {SCHEMA}")
    decoder = msgspec.json.Decoder(Entry)
    entries: list[Entry] = []
    # Every whole line ends with a newline, so what follows the last one is empty, or was cut off.
    for number, line in enumerate(lines[1:-1], start=2):
        try:
            entries.append(decoder.decode(line))
        except msgspec.MsgspecError as error:
            raise unreadable(path, f"line {number} is broken") from error
    return head, list(_filled_in(entries))


def _filled_in(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Entries with the values that they say are the same as before."""
    last: dict[str, msgspec.Raw] = {}
    for entry in entries:
        if entry.same:
            if entry.method in last:
                yield msgspec.structs.replace(entry, value=last[entry.method])
            continue
        if entry.problem is None:
            last[entry.method] = entry.value
        yield entry


def unreadable(path: Path, why: str) -> ConsoleError:
    """What to say of a file that is no recording."""
    return ConsoleError(
        ProblemKind.BAD_INPUT,
        f"{safe_line(path, 200)} cannot be replayed: {why}",
        "give a file that --record has written",
    )


@dataclass(slots=True)
class _Kept:
    """An entry whose value is read when somebody asks for it."""

    entry: Entry
    value: Any = None
    is_read: bool = False


class Answers:
    """The entries of a recording by method and arguments, each list from old to new."""

    def __init__(self, entries: Sequence[Entry], now: Callable[[], float]) -> None:
        self._now = now
        self._kept: defaultdict[str, defaultdict[str, list[_Kept]]] = defaultdict(lambda: defaultdict(list))
        for entry in entries:
            self._kept[entry.method][key_of(entry.arguments)].append(_Kept(entry))

    def latest(self, method: Callable[..., T], **arguments: object) -> T:
        """What a protocol's method answered last; raises `ConsoleError` as the stack's trouble of that moment, or
        because nothing is recorded."""
        asked = {name: msgspec.to_builtins(value) for name, value in arguments.items() if value not in (None, "")}
        now = self._now()
        for kept in reversed(self._kept[method_name(method)][key_of(asked)]):
            if kept.entry.at <= now:
                if kept.entry.problem is not None:
                    raise _trouble(kept.entry)
                return _read(method, kept)
        words = [method.__name__.replace("_", " "), *(str(value) for value in asked.values())]
        raise not_recorded(" ".join(words))

    def all(self, method: Callable[..., T], wanted: Callable[[dict[str, Any]], bool]) -> list[T]:
        """Everything that the method answered to such arguments until now, in the order of time."""
        now = self._now()
        found = [
            kept
            for asked in self._kept[method_name(method)].values()
            for kept in asked
            if kept.entry.at <= now and kept.entry.problem is None and wanted(kept.entry.arguments)
        ]
        return [_read(method, kept) for kept in sorted(found, key=lambda each: each.entry.at)]


def _read(method: Callable[..., T], kept: _Kept) -> T:
    if not kept.is_read:
        try:
            kept.value = answer(method, kept.entry.value)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ConsoleError(
                ProblemKind.BAD_ANSWER,
                f"the recording has a shape that this version does not know ({safe_line(error, 120)})",
                "replay it with the version that recorded it",
            ) from error
        kept.is_read = True
    value: T = kept.value
    return value


def _trouble(entry: Entry) -> ConsoleError:
    assert entry.problem is not None
    problem = entry.problem
    return ConsoleError(problem.kind, safe_line(problem.sentence, 400), safe_line(problem.remedy, 400))


def not_recorded(what: str) -> ConsoleError:
    """What to say when nobody asked for `what` while the recording was made."""
    return ConsoleError(
        ProblemKind.NOT_FOUND,
        f"the recording has no {safe_line(what, 120)} up to this moment",
        "it holds what was on the screen while it was made",
    )
