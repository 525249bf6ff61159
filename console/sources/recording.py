"""A recorder: writes down what a connection answers, one JSON line each, for a replay without the stack."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from console.clock import Clock
from console.domain import ConsoleError, Problem, ProblemKind
from console.sources.codec import SCHEMA, Entry, Head, arguments_of, encode
from console.sources.intercept import Call
from lambdas.core.outputs import StackOutputs

MAX_BYTES = 256 * 1024 * 1024
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Failed:
    """In place of an answer."""

    problem: Problem


class Recorder:
    """A hook that appends each answer to a new file, readable up to its last whole line whatever ends the process.

    The file holds what screens show, customers' ids among it, so that only its owner may read it. At `max_bytes` and
    after an error of the disk the recording ends, and the console goes on: `note` says so. `describe` tells what an
    exception is.
    """

    def __init__(
        self,
        path: Path,
        outputs: StackOutputs,
        clock: Clock,
        describe: Callable[[BaseException], Problem],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._path = path
        self._clock = clock
        self._describe = describe
        self._left = max_bytes
        self._written = 0
        self._ended = ""
        self._lock = threading.Lock()
        self._last: dict[str, bytes] = {}
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise ConsoleError(
                ProblemKind.BAD_INPUT, f"{path} cannot be recorded to ({error.strerror})", "name a new file"
            ) from error
        outputs_of = {name: str(value) for name, value in outputs.to_mapping().items()}
        self._append(encode(Head(SCHEMA, clock.now(), outputs_of)))

    def __call__(self, call: Call, proceed: Callable[[], Any]) -> Any:
        """Ask, write down, pass on."""
        try:
            value = proceed()
        except Exception as error:
            self._write(call, _Failed(self._describe(error)))
            raise
        self._write(call, value)
        return value

    def note(self) -> str:
        """What the reader of the screen should know: how much is recorded where, or why nothing is any more."""
        size = f"{self._written / MEGABYTE:.1f} MB"
        return self._ended or f"recording to {self._path.name} ({size})"

    def close(self) -> None:
        """End the recording."""
        with self._lock:
            self._ended = self._ended or f"recorded to {self._path.name}"
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _write(self, call: Call, value: object) -> None:
        at, arguments = self._clock.now(), arguments_of(call)
        entry = Entry(at, call.name, arguments)
        if isinstance(value, _Failed):
            line = encode(msgspec.structs.replace(entry, problem=value.problem))
        elif self._is_same(entry, raw := encode(value)):
            line = encode(msgspec.structs.replace(entry, same=True))
        else:
            line = encode(msgspec.structs.replace(entry, value=msgspec.Raw(raw)))
        with self._lock:
            self._append(line)

    def _is_same(self, entry: Entry, value: bytes) -> bool:
        """Whether a poll of the whole stack found nothing new; answers to questions of their own come once each."""
        if entry.arguments:
            return False
        digest = hashlib.blake2b(value, digest_size=16).digest()
        with self._lock:
            known = self._last.get(entry.method) == digest
            self._last[entry.method] = digest
        return known

    def _append(self, line: bytes) -> None:
        if self._ended:
            return
        if len(line) + 1 > self._left:
            self._ended = f"the recording is full: {self._path.name} ends here"
            return
        try:
            written = os.write(self._file, line + b"\n")
        except OSError as error:
            self._ended = f"the recording has ended: {self._path.name} cannot be written ({error.strerror})"
            return
        self._written += written
        self._left -= written
        if written <= len(line):
            self._ended = f"the recording has ended: there is no room left for {self._path.name}"
