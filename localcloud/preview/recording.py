"""Graphs of revisions: the recorder started, its answer read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from components.settings import STAND_INS
from localcloud.graph import UNKNOWN, Packed, RecordedGraph, Registration, Secret
from localcloud.preview import recorder
from localcloud.preview.recorder import MARK

LOCK = Path("requirements/lambda.txt")
SECONDS = 120.0


class RecordingError(RuntimeError):
    """A revision could not be evaluated; the message is one sentence."""


@dataclass(slots=True)
class Recording:
    """A recorder at work; several may run at the same time."""

    subject: str
    _process: subprocess.Popen[str]

    @classmethod
    def start(cls, root: Path, stack: str, *, subject: str, layer: Path, salt: str, talk: Any) -> Recording:
        """Evaluate the program in `root`; `subject` names the revision in errors, `talk` gets the process's stderr.

        `layer` is an empty directory: it is filled to stand for the functions' layer, which a preview does not build,
        with the lock file that decides what the built one holds.
        """
        _stand_for_layer(root, layer)
        process = subprocess.Popen(
            [sys.executable, "-P", recorder.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=talk,
            text=True,
            encoding="utf-8",
            cwd=root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        request = {
            "root": str(root),
            "stack": stack,
            "layer": str(layer),
            "stand_ins": dict(STAND_INS),
            "salt": salt,
        }
        assert process.stdin is not None
        with process.stdin:
            try:
                json.dump(request, process.stdin)
            except BrokenPipeError:
                pass  # it has ended already: `finish` says so
        process.stdin = None
        return cls(subject, process)

    def finish(self) -> RecordedGraph:
        """Wait for the graph; raises `RecordingError`."""
        try:
            text, _ = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RecordingError(
                f"evaluating {self.subject} took more than {SECONDS:.0f} s; does its program wait for something?"
            ) from error
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise RecordingError(
                f"evaluating {self.subject} ended without an answer (exit {self._process.returncode})"
            ) from error
        if "error" in answer:
            raise RecordingError(f"{self.subject}: {answer['error']}")
        return decoded(answer["graph"])

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def decoded(document: Mapping[str, Any]) -> RecordedGraph:
    """The graph that a recorder wrote; fields that this revision does not know are left out."""
    known = {field.name for field in fields(Registration)}
    registrations = [
        Registration(**{name: _restored(name, value) for name, value in item.items() if name in known})
        for item in document["registrations"]
    ]
    return RecordedGraph(tuple(registrations), _value(document["stack_outputs"]))


def _restored(name: str, value: Any) -> Any:
    if name in ("dependencies", "aliases"):
        return tuple(value)
    if name == "property_dependencies":
        return {key: tuple(urns) for key, urns in value.items()}
    return _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(MARK)
    if kind == "secret":
        return Secret(value["digest"])
    if kind == "packed":
        return Packed(tuple((name, digest) for name, digest in value["files"]))
    if kind == "unknown":
        return UNKNOWN
    return {key: _value(item) for key, item in value.items()}


def _stand_for_layer(root: Path, layer: Path) -> None:
    python = layer / "python"
    python.mkdir()
    lock = root / LOCK
    if lock.is_file():
        (python / LOCK.name).write_bytes(lock.read_bytes())
