"""Import hygiene: what a start costs, and which layer may know what, seen in `sys.modules` of a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
{code}
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_neither_aws_nor_the_screen() -> None:
    loaded = modules_after(
        "import contextlib, io\n"
        "from console.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
    )
    assert not loaded & {"boto3", "botocore", "textual", "rich", "asyncio", "urllib.request", "websockets"}
    assert "console.cli" in loaded


@pytest.mark.parametrize("package", ["view", "services", "sources", "sessions", "headless", "commands", "setup"])
def test_nothing_below_the_screen_imports_textual_and_nothing_imports_aws_early(package: str) -> None:
    loaded = modules_after(
        "import pkgutil, importlib, console.domain, console.telemetry, console.places, console.commandline\n"
        f"import console.{package}\n"
        f"for found in pkgutil.walk_packages(console.{package}.__path__, 'console.{package}.'):\n"
        "    importlib.import_module(found.name)\n"
    )
    assert not loaded & {"textual", "boto3", "botocore"}
    assert f"console.{package}" in loaded


def test_the_view_knows_neither_sources_nor_services() -> None:
    loaded = modules_after(
        "import pkgutil, importlib, console.view\n"
        "for found in pkgutil.walk_packages(console.view.__path__, 'console.view.'):\n"
        "    importlib.import_module(found.name)\n"
    )
    foreign = {name for name in loaded if name.startswith(("console.sources", "console.services", "console.ui"))}
    assert not foreign


def test_the_screen_is_painted_before_aws_is_imported() -> None:
    loaded = modules_after("import console.ui.launch")
    assert "textual" in loaded
    assert not loaded & {"boto3", "botocore"}


def test_the_console_knows_neither_handlers_nor_components_nor_the_embedded_cloud() -> None:
    loaded = modules_after(
        "import pkgutil, importlib, console\n"
        "for found in pkgutil.walk_packages(console.__path__, 'console.'):\n"
        "    importlib.import_module(found.name)\n"
    )
    foreign = {name for name in loaded if name.split(".")[0] in {"components", "localcloud", "pulumi", "ministack"}}
    assert not foreign
    ours = {name for name in loaded if name.startswith("lambdas.")}
    assert all(name.startswith("lambdas.core") for name in ours)
    assert "phonenumbers" not in loaded
