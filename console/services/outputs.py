"""Where a stack's outputs come from: a file, SSM, the Pulumi CLI; each failure is one sentence with the remedy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.sources.clients import Clients
from console.text import safe_line
from lambdas.core.outputs import OutputsError, StackOutputs, parameter_prefix

PULUMI_FILE = Path("Pulumi.yaml")
PULUMI_SECONDS = 60
_PROJECT_NAME = re.compile(r"^name:\s*['\"]?([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

THREE_WAYS = (
    "name the project with --project (then they are read from SSM), run it beside a Pulumi.yaml, "
    "or give a file with --outputs"
)


def require_name(value: str, what: str) -> str:
    """A project or stack name as Pulumi allows it: letters, digits, `.`, `_`, `-`."""
    if not _NAME.fullmatch(value):
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{safe_line(value, 60)!r} is no {what} name",
            "use letters, digits, '.', '_' and '-'",
        )
    return value


def project_here(directory: Path) -> str | None:
    """The project named by a Pulumi.yaml in `directory`."""
    try:
        found = _PROJECT_NAME.search((directory / PULUMI_FILE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return found[1] if found else None


def parse_outputs(values: object, where: str) -> StackOutputs:
    """The typed outputs of a flat mapping of output names; raises naming what is missing."""
    if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{where} is no mapping of output names to texts",
            "write it with `cpaas-local --outputs`",
        )
    try:
        return StackOutputs.from_mapping({name: safe_line(value, 2048) for name, value in values.items()})
    except OutputsError as error:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{where}: {error}", "is it of this stack, and deployed by this version?"
        ) from error


def read_file(path: Path) -> StackOutputs:
    """Outputs from a JSON file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"cannot read {path}: {error.strerror}",
            "give the file that `cpaas-local --outputs` wrote",
        ) from error
    except ValueError as error:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{path} is no JSON: {safe_line(error, 80)}", "write it again"
        ) from error
    return parse_outputs(document, str(path))


def read_ssm(clients: Clients, project: str, stack: str) -> StackOutputs:
    """Outputs from the parameters that the stack publishes, one per component."""
    prefix = parameter_prefix(project, stack)
    values: dict[str, Any] = {}
    request: dict[str, Any] = {"Path": prefix, "Recursive": True, "WithDecryption": True}
    while True:
        answer = clients.client("ssm").get_parameters_by_path(**request)
        for parameter in answer.get("Parameters", []):
            values |= _component(parameter)
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    if not values:
        raise ConsoleError(
            ProblemKind.NOT_FOUND,
            f"there is no stack {project}/{stack} in {clients.target.region} (nothing under {prefix})",
            "check --stack, --project, --region and --profile; is it deployed?",
        )
    return parse_outputs(values, prefix)


def _component(parameter: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value = json.loads(parameter["Value"])
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConsoleError(
            ProblemKind.BAD_ANSWER,
            f"the parameter {safe_line(parameter.get('Name'), 120)} holds no JSON object",
            "deploy the stack again, it publishes its outputs",
        )
    return value


def read_pulumi(stack: str, directory: Path) -> StackOutputs:
    """Outputs from the Pulumi CLI; raises with the three ways where there is none."""
    cli = shutil.which("pulumi")
    if cli is None or not (directory / PULUMI_FILE).is_file():
        raise ConsoleError(ProblemKind.BAD_INPUT, f"cannot find the outputs of the stack {stack}", THREE_WAYS)
    try:
        done = subprocess.run(
            [cli, "stack", "output", "--json", "--show-secrets=false", "--stack", stack, "--non-interactive"],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=PULUMI_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConsoleError(
            ProblemKind.TIMED_OUT, f"the Pulumi CLI did not answer within {PULUMI_SECONDS} s", THREE_WAYS
        ) from error
    if done.returncode != 0:
        words = safe_line(done.stderr, 300)
        raise ConsoleError(ProblemKind.NOT_FOUND, f"the Pulumi CLI knows no outputs of {stack}: {words}", THREE_WAYS)
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        raise ConsoleError(ProblemKind.BAD_ANSWER, "the Pulumi CLI printed no JSON", THREE_WAYS) from error
    return parse_outputs(document, f"the Pulumi CLI's outputs of {stack}")
