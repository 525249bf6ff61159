"""What deployments have changed, told by what they leave behind: the functions' code, and the published outputs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from console.sources.clients import Clients
from console.sources.shapes import understood
from console.telemetry import Deployment
from console.text import safe_line
from lambdas.core.outputs import COMPONENTS, StackOutputs, output_name, parameter_prefix

HISTORY_PAGE = 50
"""The most of one GetParameterHistory (Systems Manager API reference); a parameter keeps 100 versions."""
SHOWN_HASH = 8
_FUNCTION = "_function"


def functions_of(outputs: StackOutputs) -> dict[str, str]:
    """Short names of the stack's functions by their names in AWS, `{project}-{thing}-{stack}`."""
    identity = outputs.identity
    names = [
        str(getattr(part, field.name))
        for part in outputs.components()
        for field in dataclasses.fields(part)
        if field.name.endswith(_FUNCTION)
    ]
    return {
        name: name.removeprefix(f"{identity.project}-").removesuffix(f"-{identity.stack}") for name in names if name
    }


class Deployments:
    """Reads the traces of one stack's deployments: a call for each function, and one for each component."""

    def __init__(self, outputs: StackOutputs, clients: Clients) -> None:
        self._outputs = outputs
        self._clients = clients

    def read(self) -> tuple[Deployment, ...]:
        """All that are known, newest first: of a function the last, of outputs every version that SSM keeps."""
        found = [*self._functions(), *self._components()]
        return tuple(sorted(found, key=lambda each: each.at, reverse=True))

    def _functions(self) -> Iterator[Deployment]:
        for name, thing in functions_of(self._outputs).items():
            answer = self._clients.client("lambda").get_function_configuration(FunctionName=name)
            at, code = understood(f"the function {name}", _code, answer)
            yield Deployment(at, f"function {thing}", f"code {code}")

    def _components(self) -> Iterator[Deployment]:
        identity = self._outputs.identity
        for component in (kind.COMPONENT for kind in COMPONENTS):
            name = parameter_prefix(identity.project, identity.stack) + component
            request: dict[str, Any] = {"Name": name, "MaxResults": HISTORY_PAGE}
            while True:
                answer = self._clients.client("ssm").get_parameter_history(**request)
                for each in answer.get("Parameters") or []:
                    at, detail = understood(f"the parameter {name}", _version, each)
                    yield Deployment(at, f"outputs of {component}", detail)
                if not answer.get("NextToken"):
                    break
                request["NextToken"] = answer["NextToken"]


def _code(raw: Mapping[str, Any]) -> tuple[float, str]:
    """When a function was changed last, and the beginning of its code's SHA-256."""
    return datetime.fromisoformat(raw["LastModified"]).timestamp(), safe_line(raw["CodeSha256"][:SHOWN_HASH], 20)


def _version(raw: Mapping[str, Any]) -> tuple[float, str]:
    """When a version of a parameter was written; that of the stack itself names the release."""
    detail = f"version {int(raw['Version'])}"
    release = json.loads(raw["Value"]).get(output_name("version"))
    return raw["LastModifiedDate"].timestamp(), f"{detail}, release {safe_line(release, 40)}" if release else detail
