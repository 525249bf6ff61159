"""Each handler imports from what is deployed: its archive, the layer's packages and what the runtime brings."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import lambdas
from components.archives import archive_files
from lambdas.core.channels import Channel, Route, routes_to_text
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.pumping_guard import GuardLimits

ROOT = Path(__file__).resolve().parents[3]
RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""What Lambda's Python image has beside the standard library."""

FUNCTIONS = sorted(
    module.name
    for module in pkgutil.iter_modules(lambdas.__path__)
    if (ROOT / "lambdas" / module.name / "settings.py").is_file()
)


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distributions that the layer is built from, as they are installed here."""
    lock = (ROOT / "requirements" / "lambda.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    return _unpacked(tmp_path_factory.mktemp("layer"), names)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the function finds without bringing it."""
    return _unpacked(tmp_path_factory.mktemp("runtime"), RUNTIME_PACKAGES)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_needs_nothing_but_its_archive_and_layer(
    function: str, layer: Path, runtime: Path, tmp_path: Path
) -> None:
    for name in archive_files(ROOT, function):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    path = [str(tmp_path), str(layer), str(runtime)]
    program = (
        f"import sys; sys.path[:0] = {path!r}; from lambdas.{function} import handler; "
        "print(callable(handler.handler), handler.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={**_variables(function), "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["True", str(tmp_path / "lambdas" / function / "handler.py")]


def _variables(function: str) -> dict[str, str]:
    module = importlib.import_module(f"lambdas.{function}.settings")
    (settings,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, FunctionEnvironment) and value is not FunctionEnvironment
    ]
    samples = {str: "sms", int: "1", float: "1.5", bool: "true"}
    hints = get_type_hints(settings)
    values = {variable: samples[hints[field]] for field, variable in settings.variable_names().items()}
    documents = {
        "channels": routes_to_text({Channel.SMS: Route("", "", 1, 1)}),
        "prices": "{}",
        "pumping_guard": GuardLimits().to_text(),
    }
    return values | {name.upper(): text for name, text in documents.items() if name in hints}


def _unpacked(target: Path, distributions: tuple[str, ...] | list[str]) -> Path:
    """A directory with the top-level packages and modules of installed distributions, linked."""
    for distribution in distributions:
        for file in importlib.metadata.files(distribution) or []:
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (target / top).exists():
                (target / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return target
