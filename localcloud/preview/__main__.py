"""`python -m localcloud.preview`: previews the program of the current directory; started by `cpaas-console preview`.

Stdout is one JSON object a line: `{"event":"progress","detail":...}`, then `{"event":"preview","document":...}` or
`{"event":"error","message":one sentence}`. It ends when its stdin does. Exit codes: 0 previewed, 1 could not.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud import stack_config
from localcloud.costs import Usage, UsageError
from localcloud.costs.usage import load
from localcloud.lifetime import when_parent_leaves
from localcloud.preview import revisions
from localcloud.preview.document import document
from localcloud.preview.recording import Recording, RecordingError
from localcloud.preview.revisions import RevisionError

Emit = Callable[[dict[str, Any]], None]


def main() -> int:
    """Preview as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.preview")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--against")
    parser.add_argument("--usage", type=Path)
    options = parser.parse_args()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def emit(event: dict[str, Any]) -> None:
        print(json.dumps(event), file=events, flush=True)

    signal.signal(signal.SIGTERM, _leave)
    when_parent_leaves(os.kill, os.getpid(), signal.SIGTERM)
    try:
        emit({"event": "preview", "document": preview(options.stack, options.against, options.usage, emit)})
    except (RevisionError, RecordingError, UsageError, stack_config.StackConfigError) as error:
        emit({"event": "error", "message": str(error)})
        return 1
    return 0


def preview(stack: str, against: str | None, usage_file: Path | None, emit: Emit) -> dict[str, Any]:
    """The document of the work tree against a revision; raises one sentence."""
    root = revisions.project(Path.cwd())
    usage = load(usage_file) if usage_file is not None else Usage()
    project = stack_config.project_name(root)
    if stack not in stack_config.stacks(root):
        stack_config.load(root, stack)  # says which stacks there are
    base, head = revisions.chosen(root, against), revisions.head(root)
    with tempfile.TemporaryDirectory(prefix="cpaas-preview-") as directory:
        emit({"event": "progress", "detail": f"evaluating the program as it is and as of {base.short}"})
        before, after = _record_both(root, base, stack, Path(directory))
    emit({"event": "progress", "detail": "comparing"})
    return {
        "project": project,
        "stack": stack,
        "head": {"revision": head.commit, "what": head.why},
        "against": {"revision": base.commit, "what": base.why},
        **document(before, after, usage),
    }


def _record_both(root: Path, base: revisions.Revision, stack: str, directory: Path) -> tuple[Any, Any]:
    """Both graphs, evaluated at the same time."""
    checkout, salt = directory / "revision", secrets.token_hex(16)
    layers = [directory / "layer-before", directory / "layer-after"]
    for place in (checkout, *layers):
        place.mkdir()
    at_work: list[Recording] = []
    try:
        # The work tree first: it needs no extraction.
        at_work.append(
            Recording.start(root, stack, subject="the work tree", layer=layers[1], salt=salt, talk=sys.stderr)
        )
        revisions.extract(root, base, checkout)
        at_work.append(
            Recording.start(
                checkout, stack, subject=f"revision {base.short}", layer=layers[0], salt=salt, talk=sys.stderr
            )
        )
        after, before = (each.finish() for each in at_work)
    finally:
        for each in at_work:
            each.stop()
    return before, after


def _leave(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
