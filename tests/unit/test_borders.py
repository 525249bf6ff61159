"""The borders of docs/architecture.md: who may import whom, read from the source of every module."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("lambdas", "components", "console", "localcloud", "tests", "bench")
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))
CONSOLE_UI = "console/ui"


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} has no modules"
    return found


def imports_of(path: Path) -> Iterator[str]:
    """Every module a source file imports, anywhere in it, as absolute dotted names (`from a import b` gives `a.b`)."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def offences(folder: str, allowed: tuple[str, ...] | None = None, banned: tuple[str, ...] = ()) -> list[str]:
    """Imports of a folder outside `allowed` (where given; the standard library is always) or inside `banned`."""
    found = []
    for path in sources(folder):
        for name in imports_of(path):
            top = name.split(".")[0]
            within = allowed is None or top in sys.stdlib_module_names or _inside(name, allowed)
            if not within or _inside(name, banned):
                found.append(f"{path.relative_to(ROOT)} imports {name}")
    return found


def _inside(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_the_walk_sees_imports() -> None:
    assert offences("lambdas/adapters", banned=("botocore",))
    assert offences(CONSOLE_UI, banned=("textual",))
    assert FUNCTIONS


def test_core_is_pure() -> None:
    assert offences("lambdas/core", allowed=("lambdas.core", "phonenumbers")) == []


def test_core_reads_no_environment_and_no_wall_clock() -> None:
    assert offences("lambdas/core", banned=("os", "time", "boto3", "botocore", "socket", "random")) == []


def test_only_planning_needs_phonenumbers() -> None:
    users = {line.split(" ")[0] for line in offences("lambdas/core", banned=("phonenumbers",))}
    assert users == {"lambdas/core/phone_numbers.py", "lambdas/core/zones.py"}


def test_adapters_know_the_core_and_botocore_and_one_knows_cryptography() -> None:
    strangers = offences("lambdas/adapters", allowed=("lambdas.core", "lambdas.adapters", "botocore"))
    assert {line.split(" ")[0] for line in strangers} == {"lambdas/adapters/rs256.py"}
    assert {line.rpartition(" ")[2].split(".")[0] for line in strangers} == {"cryptography", "jwt"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_know_the_core_the_adapters_and_themselves(function: str) -> None:
    allowed = ("lambdas.core", "lambdas.adapters", f"lambdas.{function}")
    assert offences(f"lambdas/{function}", allowed=allowed) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_settings_are_light(function: str) -> None:
    path = ROOT / "lambdas" / function / "settings.py"
    ours = [name for name in imports_of(path) if name.split(".")[0] in OURS]
    assert all(_inside(name, ("lambdas.core.environment",)) for name in ours)


def test_components_know_of_functions_only_their_settings() -> None:
    known = ("lambdas.core", *(f"lambdas.{function}.settings" for function in FUNCTIONS))
    strangers = [
        line
        for line in offences("components", banned=("lambdas", "console", "localcloud", "tests", "bench"))
        if not _inside(line.rpartition(" ")[2], known)
    ]
    assert strangers == []


def test_the_console_knows_of_ours_only_the_core() -> None:
    strangers = [
        line
        for line in offences("console", banned=tuple(name for name in OURS if name != "console"))
        if not _inside(line.rpartition(" ")[2], ("lambdas.core",))
    ]
    assert strangers == []


def test_only_the_screens_know_textual() -> None:
    users = [line for line in offences("console", banned=("textual",)) if not line.startswith(f"{CONSOLE_UI}/")]
    assert users == []


def test_only_the_sessions_client_knows_websockets() -> None:
    users = [line for line in offences("console", banned=("websockets",)) if not line.startswith("console/sessions/")]
    assert users == []


def test_views_are_pure() -> None:
    banned = ("textual", "boto3", "botocore", "console.ui", "console.sources", "console.services", "asyncio")
    assert offences("console/view", banned=banned) == []
    domain = [name for name in imports_of(ROOT / "console" / "domain.py") if _inside(name, banned)]
    assert domain == []


def test_the_embedded_cloud_knows_no_console_and_no_function() -> None:
    banned = ("console", "tests", "bench", "textual", "lambdas.adapters", *(f"lambdas.{name}" for name in FUNCTIONS))
    assert offences("localcloud", banned=banned) == []


def test_nothing_that_ships_knows_the_tests() -> None:
    for folder in ("lambdas", "components", "console", "localcloud"):
        assert offences(folder, banned=("tests", "bench", "pytest", "hypothesis")) == []


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory after a fresh interpreter imported some modules."""
    program = f"import sys, {', '.join(modules)}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(answer.stdout.split())


def test_importing_the_core_loads_no_client() -> None:
    modules = [f"lambdas.core.{path.stem}" for path in sources("lambdas/core") if path.stem != "__init__"]
    loaded = loaded_by(*modules, *(f"lambdas.{function}.settings" for function in FUNCTIONS))
    assert "lambdas" in loaded
    assert loaded.isdisjoint({"boto3", "botocore", "pydantic", "pulumi", "textual", "urllib3"})


def test_sending_does_not_load_phonenumbers() -> None:
    assert "phonenumbers" not in loaded_by("lambdas.core.sending", "lambdas.core.receipts", "lambdas.core.counting")
