"""An archive changes when code changes, and only then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pulumi
import pytest

from components.archives import archive_files, function_archive
from localcloud.monitor import digest

ROOT = Path(__file__).resolve().parents[3]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/settings.py"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the functions' sources."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "lambdas", copy / "lambdas", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize("function", FUNCTIONS)
def test_touching_planting_and_moving_change_nothing(checkout: Path, function: str) -> None:
    before = digest(function_archive(function, ROOT))
    for path in (checkout / "lambdas").rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    cache = checkout / "lambdas" / "core" / "__pycache__"
    cache.mkdir()
    (cache / "keys.cpython-311.pyc").write_bytes(b"\0")
    (cache / "planted.py").write_text("x = 1\n")
    (checkout / "lambdas" / "core" / "notes.txt").write_text("not code")
    assert digest(function_archive(function, checkout)) == before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_edit_changes_it(checkout: Path, function: str) -> None:
    before = digest(function_archive(function, checkout))
    (checkout / "lambdas" / "core" / "keys.py").write_text("META = 'OTHER'\n")
    assert digest(function_archive(function, checkout)) != before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_carries_itself_and_what_is_shared(function: str) -> None:
    files = archive_files(ROOT, function)
    assert files == sorted(files)
    assert "lambdas/__init__.py" in files
    assert f"lambdas/{function}/settings.py" in files
    folders = {Path(name).parts[1] for name in files if len(Path(name).parts) > 2}
    assert folders == {"core", "adapters", function}
    assert not [name for name in files if "__pycache__" in name]


def test_names_inside_are_those_of_the_package() -> None:
    archive = function_archive("sweeper", ROOT)
    assert isinstance(archive, pulumi.AssetArchive)
    assert list(archive.assets) == archive_files(ROOT, "sweeper")


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lambdas/nobody/settings\.py does not exist"):
        archive_files(ROOT, "nobody")
