"""Builds `build/layer`: the functions' dependencies for arm64 and Python 3.13, from the hashed lock, no Docker.

Two builds of one lock are identical byte for byte, so an unchanged layer never shows up in a preview.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lambda.txt"
LAYER = ROOT / "build" / "layer"
PLATFORM = "aarch64-manylinux2014"
PYTHON_VERSION = "3.13"
"""What the functions run on: `RUNTIME` and `ARCHITECTURE` in components/function.py."""


class BuildError(RuntimeError):
    """The layer could not be built; the message is one sentence with the remedy."""


def find_uv() -> str:
    """The environment's uv, else the one on PATH; raises `BuildError` when there is none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise BuildError("uv is not installed here: make the environment with `make`, which brings it")
    return found


def build(
    target: Path, *, platform: str | None = PLATFORM, python_version: str = PYTHON_VERSION, lock: Path = LOCK
) -> None:
    """Install `lock` into `target/python`, replacing what was there; `platform=None` builds for this machine.

    Raises `BuildError` with the installer's own words.
    """
    python = target / "python"
    shutil.rmtree(target, ignore_errors=True)
    python.mkdir(parents=True)
    command = [find_uv(), "pip", "install", "--quiet", "--require-hashes", "--requirement", str(lock)]
    command += ["--only-binary", ":all:", "--no-compile-bytecode", "--no-installer-metadata"]
    command += ["--python-version", python_version, "--target", str(python)]
    if platform is not None:
        command += ["--python-platform", platform]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"installing {lock.name} failed: {' '.join(done.stderr.split())}")
    _drop_leftovers(python)


def _drop_leftovers(python: Path) -> None:
    """Remove what the installer leaves for itself: it is no dependency and differs between machines."""
    (python / ".lock").unlink(missing_ok=True)
    shutil.rmtree(python / "bin", ignore_errors=True)
    for cache in [*python.rglob("__pycache__")]:
        shutil.rmtree(cache)


def main() -> int:
    """Build the layer and say where it is and how large."""
    try:
        build(LAYER)
    except BuildError as error:
        sys.stderr.write(f"build_layer: {error}\n")
        return 1
    files = [path for path in LAYER.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    sys.stderr.write(f"{LAYER.relative_to(ROOT)}: {len(files)} files, {megabytes:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
