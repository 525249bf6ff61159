"""The layer's builder: byte for byte the same twice, and one sentence when it cannot."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from tools.build_layer import BuildError, build


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A hashed requirements file with one distribution of this machine."""
    wheel = tmp_path / "example-1.0-py3-none-any.whl"
    info = "example-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("example/__init__.py", "VALUE = 1\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\nexample = example:main\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    path = tmp_path / "lock.txt"
    path.write_text(f"example @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    return path


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_two_builds_are_identical_and_hold_only_the_packages(lock: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    two.mkdir()
    (two / "left over").write_text("from the last build")
    for target in (one, two):
        build(target, lock=lock)
    assert contents(one) == contents(two)
    assert {name.split("/")[1] for name in contents(one)} == {"example", "example-1.0.dist-info"}


def test_a_package_that_is_not_the_locked_one_is_refused(lock: Path, tmp_path: Path) -> None:
    lock.write_text(lock.read_text(encoding="utf-8")[:-5] + "0000\n", encoding="utf-8")
    with pytest.raises(BuildError, match=r"installing lock\.txt failed: .*[Hh]ash") as caught:
        build(tmp_path / "layer", lock=lock)
    assert "\n" not in str(caught.value)
