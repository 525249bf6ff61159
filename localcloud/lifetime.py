"""One directory per running cloud, and no process or directory left behind by a dead one.

The directory is locked for the life of its process, so whoever finds it unlocked knows that its owner is gone and
may remove it; the next start does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LOCK = "lock"
_PARENT_CHECK_SECONDS = 0.5


class StateError(RuntimeError):
    """The place for state cannot be used; the message is one sentence."""


@dataclass(slots=True)
class StateDirectory:
    """A private directory, deleted when its cloud ends. Close the lock last."""

    path: Path
    _lock: int

    def release(self) -> None:
        """Delete the directory and let go of the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def base_directory() -> Path:
    """Where this user's clouds keep their state, private to the user; raises `StateError`."""
    base = Path(tempfile.gettempdir()) / f"cpaas-local-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        status = base.lstat()
    except OSError as error:
        raise StateError(f"cannot make {base}: {error.strerror}; set TMPDIR to a directory of your own") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StateError(f"{base} is not a private directory of yours; remove it or set TMPDIR to another place")
    return base


def create() -> StateDirectory:
    """A new locked directory; those of dead clouds are removed on the way."""
    base = base_directory()
    sweep(base)
    while True:
        path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A sweep between the two calls above saw an unlocked directory; then the lock is on a deleted file.
        if (path / _LOCK).exists():
            return StateDirectory(path, lock)
        os.close(lock)


def sweep(base: Path | None = None) -> list[Path]:
    """Remove the directories whose owner is gone; returns them."""
    removed = []
    for path in _unlocked(base or base_directory()):
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path)
    return removed


def _unlocked(base: Path) -> Iterator[Path]:
    for path in sorted(base.iterdir()):
        try:
            lock = os.open(path / _LOCK, os.O_RDWR)
        except FileNotFoundError:
            if path.is_dir() and time.time() - path.stat().st_mtime > 60:  # older than any start can take
                yield path
            continue
        except NotADirectoryError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            yield path
        finally:
            os.close(lock)


def when_parent_leaves(call: Callable[..., object], *arguments: object) -> None:
    """Call `call(*arguments)` once when stdin ends or this process gets another parent; returns at once.

    The parent holds the other end of stdin. Its death closes the pipe unless another child inherited it, so the
    parent's id is watched too.
    """
    once = threading.Lock()

    def stop_once() -> None:
        if once.acquire(blocking=False):
            call(*arguments)

    def read() -> None:
        while os.read(0, 4096):
            continue
        stop_once()

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_SECONDS)
        stop_once()

    threading.Thread(target=read, name="parent-pipe", daemon=True).start()
    threading.Thread(target=watch, args=(os.getppid(),), name="parent-watch", daemon=True).start()
