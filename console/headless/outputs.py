"""`outputs`: the stack's outputs as JSON, or as shell variables for `.env.aws`."""

from __future__ import annotations

import shlex

from console.exit_codes import ExitCode
from console.headless import talk
from lambdas.core.outputs import StackOutputs


def run(outputs: StackOutputs, *, form: str) -> ExitCode:
    """Print them; `form` is `json` or `env`."""
    if form == "json":
        talk.put_json(outputs.to_mapping())
    else:
        for name, value in outputs.to_variables().items():
            talk.put(f"{name}={shlex.quote(value)}")
    return ExitCode.OK
