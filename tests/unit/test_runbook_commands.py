"""The commands of the runbooks: operations that exist, with options that they take and all that they ask for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from lambdas.core.outputs import COMPONENTS, variable_name

BOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "runbooks").glob("*.md"))
GLOBAL_OPTIONS = {"query", "output", "region"}
CUSTOM_COMMANDS = {("logs", "tail"): {"since", "filter-pattern", "follow"}}
"""Commands of the AWS CLI that are no operation of a service (AWS CLI command reference)."""

ENVIRONMENT = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def commands(text: str) -> Iterator[str]:
    """Every `aws ...` of a page: indented blocks with their continued lines, and those within the text."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        if re.match(r"\s{4,}aws ", line):
            yield line.strip()
    for quoted in re.findall(r"`(aws [^`]+)`", re.sub(r"\n\s*", " ", text)):
        if len(quoted.split()) > 2:
            yield quoted


ALL = [
    pytest.param(command, id=f"{book.stem}: {command[:60]}") for book in BOOKS for command in commands(book.read_text())
]


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_one_of_the_aws_cli(command: str) -> None:
    _, service, operation, *words = shlex.split(re.sub(r"<[^>]+>", "PLACEHOLDER", command))
    options = {word.removeprefix("--") for word in words if word.startswith("--")} - GLOBAL_OPTIONS
    if (service, operation) in CUSTOM_COMMANDS:
        assert options <= CUSTOM_COMMANDS[service, operation]
        return
    model = botocore.session.get_session().get_service_model(service)
    name = next(each for each in model.operation_names if xform_name(each, "-") == operation)
    shape = model.operation_model(name).input_shape
    members = {xform_name(member, "-"): member for member in shape.members}
    booleans = {f"no-{option}" for option, member in members.items() if shape.members[member].type_name == "boolean"}
    assert options <= members.keys() | booleans
    assert {xform_name(member, "-") for member in shape.required_members} <= options


def test_there_are_commands_on_nearly_every_page() -> None:
    assert len(ALL) > 40


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_variables_are_outputs_of_the_stack(book: Path) -> None:
    outputs = {variable_name(field) for component in COMPONENTS for field in component.__dataclass_fields__}
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", book.read_text(encoding="utf-8")))
    assert used <= outputs | ENVIRONMENT


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_links_lead_somewhere(book: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", book.read_text(encoding="utf-8")):
        assert (book.parent / target).is_file(), target
