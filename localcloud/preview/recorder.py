"""Evaluates the program of one revision, in a process of its own; run as a script, see `recording.py`.

Everything of ours that it imports is the revision's own: the directory on stdin comes first on the path, and of the
revision that asks only this file is read. So it relies on what `localcloud.program.record` has always been, and
writes the graph as JSON by the names of its fields.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

MARK = "$recorded"
"""Key of an object that stands for what JSON has no form for."""


def main() -> int:
    """Answer the request on stdin: `{"graph": ...}` or `{"error": one sentence}` as one line on stdout."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the program may print
    try:
        answer: dict[str, Any] = {"graph": _record(request)}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": " ".join(str(error).split()) or type(error).__name__}
    json.dump(answer, answers)
    answers.close()
    return 0


def _record(request: dict[str, Any]) -> dict[str, Any]:
    root = Path(request["root"]).resolve()
    sys.path.insert(0, str(root))
    try:
        from localcloud import program
    except ImportError as error:
        raise RuntimeError(f"it cannot evaluate its program by itself ({error}); choose a later revision") from error
    if not Path(str(program.__file__)).resolve().is_relative_to(root):
        raise RuntimeError("it cannot evaluate its program by itself; choose a later revision")
    stack = request["stack"]
    config = {"layer_path": request["layer"], **_stand_ins(root, stack, request["stand_ins"])}
    graph = program.record(stack, config=config, root=root)
    return {
        "registrations": [registration(item, request["salt"]) for item in graph.registrations],
        "stack_outputs": _plain(dict(graph.stack_outputs), request["salt"]),
    }


def _stand_ins(root: Path, stack: str, given: dict[str, str]) -> dict[str, str]:
    """Those that this revision's stack encrypts: only the CLI could decrypt its own values.

    The revision knows its settings best; `given` are those of the one that asks, for revisions that name none.
    """
    import yaml

    try:
        from components.settings import STAND_INS as own
    except ImportError:
        own = {}
    try:
        document = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        config = dict(document["config"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return {}  # the program's own reader says what is wrong with it
    encrypted = {
        str(key).rpartition(":")[2] for key, value in config.items() if isinstance(value, dict) and "secure" in value
    }
    return {key: value for key, value in {**given, **own}.items() if key in encrypted}


def registration(item: Any, salt: str) -> dict[str, Any]:
    """One registration as JSON; secrets become digests that only a preview with the same `salt` can compare."""
    return {field.name: _plain(getattr(item, field.name), salt) for field in dataclasses.fields(item)}


def _plain(value: Any, salt: str) -> Any:
    kind = type(value).__name__
    if kind == "Secret":
        text = json.dumps(_plain(value.value, salt), sort_keys=True)
        return {MARK: "secret", "digest": hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()}
    if kind == "Packed":
        return {MARK: "packed", "files": [list(pair) for pair in value.files]}
    if kind == "Unknown":
        return {MARK: "unknown"}
    if isinstance(value, dict):
        return {str(key): _plain(item, salt) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, salt) for item in value]
    return value


if __name__ == "__main__":
    sys.exit(main())
