"""The program's graph, evaluated once per stack and mode and shared by all tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from localcloud.graph import RecordedGraph, Registration
from localcloud.program import record

STACKS = ("local", "dev", "staging", "prod")
LARGEST_CONFIG: Mapping[str, str] = {
    "sms": json.dumps(
        {
            "phone_number": {
                "iso_country_code": "US",
                "number_type": "SIMULATOR",
                "pool": True,
                "own_opt_out_list": True,
                "keywords": {"HELP": {"message": "Support: +1 800 555 0100"}, "START": {"message": "Welcome back"}},
            }
        }
    ),
    "whatsapp": json.dumps(
        {"phone_number_id": f"phone-number-id-{'0' * 32}", "business_account_id": f"waba-{'0' * 32}"}
    ),
    "email": json.dumps({"sender": "news@example.com", "identity": "example.com", "create_identity": True}),
    "alarm_email": "oncall@example.com",
    "alarm_webhook": "https://events.example.com/integration/key/enqueue",
    "application_principals": json.dumps(["arn:aws:iam::123456789012:role/app"]),
    "allowed_origins": json.dumps(["https://console.example.com"]),
    "in_house_event_source": "acme.messaging",
}
"""Everything that is off by default, on."""

Record = Callable[..., RecordedGraph]


@dataclass(frozen=True)
class Graph:
    """A recorded graph with the questions that tests ask of it."""

    recorded: RecordedGraph

    def all(self, suffix: str) -> list[Registration]:
        """Resources whose type ends in `:suffix`."""
        return [item for item in self.recorded.registrations if item.custom and item.type.endswith(f":{suffix}")]

    def resources(self) -> list[Registration]:
        """Everything that exists in AWS; components do not."""
        return [item for item in self.recorded.registrations if item.custom]

    def by_arn(self, arn: str) -> Registration:
        """The resource with this ARN; one that only points at an ARN has it among its inputs."""
        return next(item for item in self.resources() if item.outputs.get("arn") == arn and "arn" not in item.inputs)

    def by_urn(self, urn: str) -> Registration:
        """The registration with this URN."""
        return next(item for item in self.recorded.registrations if item.urn == urn)

    def statements(self, document: str) -> list[dict[str, Any]]:
        """The statements of a policy document, actions and resources as lists."""
        listed = []
        for statement in json.loads(document)["Statement"]:
            statement = dict(statement)
            for key in ("Action", "Resource"):
                value = statement.get(key, [])
                statement[key] = [value] if isinstance(value, str) else list(value)
            listed.append(statement)
        return listed

    def role_statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(role name, statement) of every role in the stack."""
        for policy in self.all("RolePolicy"):
            for statement in self.statements(policy.inputs["policy"]):
                yield policy.inputs["role"], statement

    def role_of(self, function: Registration) -> str:
        """Name of a function's execution role."""
        return str(self.by_arn(function.inputs["role"]).outputs["name"])


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like a built layer."""
    directory = tmp_path_factory.mktemp("layer")
    (directory / "python").mkdir()
    (directory / "python" / "dependency.py").write_text("VERSION = 1\n", encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def evaluate(layer: Path) -> Record:
    """`evaluate(stack, preview=..., largest=...)`: the graph, each variant evaluated once."""

    @cache
    def run(stack: str, *, preview: bool = False, largest: bool = False) -> RecordedGraph:
        config = {"layer_path": str(layer), **(LARGEST_CONFIG if largest else {})}
        return record(stack, preview=preview, config=config)

    return run


@pytest.fixture(params=[*STACKS, "largest"])
def graph(request: pytest.FixtureRequest, evaluate: Record) -> Graph:
    """Each stack as configured, and `dev` with everything on."""
    if request.param == "largest":
        return Graph(evaluate("dev", largest=True))
    return Graph(evaluate(request.param))


@pytest.fixture
def prod(evaluate: Record) -> Graph:
    """The production stack."""
    return Graph(evaluate("prod"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's directory."""
    return Path(__file__).resolve().parents[2]
