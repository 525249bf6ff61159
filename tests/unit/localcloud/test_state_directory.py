"""State directories: private, locked while their owner lives, removed when it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from localcloud import lifetime


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_directory_lives_as_long_as_its_lock() -> None:
    first = lifetime.create()
    second = lifetime.create()
    assert first.path.is_dir()
    assert first.path.stat().st_mode & 0o077 == 0
    second.release()
    assert not second.path.exists()
    assert lifetime.sweep() == []
    first.release()
    assert list(lifetime.base_directory().iterdir()) == []


def test_what_a_killed_owner_left_is_swept(tmp_path: Path) -> None:
    code = "import os, tempfile; tempfile.tempdir = os.environ['WHERE']; from localcloud import lifetime\n"
    code += "state = lifetime.create(); print(state.path, flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WHERE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    assert lifetime.sweep() == [left]
    assert not left.exists()


def test_a_directory_of_others_is_refused(tmp_path: Path) -> None:
    base = tmp_path / f"cpaas-local-{os.getuid()}"
    base.mkdir(mode=0o755)
    base.chmod(0o755)
    with pytest.raises(lifetime.StateError, match="not a private directory"):
        lifetime.create()
    base.rmdir()
    base.symlink_to(tmp_path)
    with pytest.raises(lifetime.StateError, match="not a private directory"):
        lifetime.create()
