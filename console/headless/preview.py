"""`preview`: what the program here would change in a stack, compared with another revision of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console import previews
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.services import previewing
from console.view import preview as view

MAX_BYTES = 16 * 1024 * 1024


def run(asked: previewing.Asked, *, form: str) -> ExitCode:
    """Evaluate both revisions and print the difference; a finding of the new one is exit code 1."""
    directory = Path.cwd()
    if not (directory / "Pulumi.yaml").is_file():
        raise ConsoleError(ProblemKind.BAD_INPUT, "there is no Pulumi.yaml here", "start from the project's directory")
    previewing.require_deploy_extra()
    return _show(previewing.preview(asked, directory, talk.Course()), form)


def show(path: Path, *, form: str) -> ExitCode:
    """Print a document that `preview --json` wrote before, here or elsewhere."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        document = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except OSError as error:
        raise ConsoleError(ProblemKind.BAD_INPUT, f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConsoleError(ProblemKind.BAD_INPUT, f"{path} is no JSON") from error
    return _show(document, form)


def _show(document: Any, form: str) -> ExitCode:
    preview = previews.read(document)
    if form == "json":
        talk.put_json(document)
    elif form == "markdown":
        talk.put(view.markdown(preview).rstrip("\n"))
    else:
        talk.put(view.text(preview))
    return ExitCode.FAILED if preview.findings else ExitCode.OK
