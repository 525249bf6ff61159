"""A real pseudo terminal with a process in it, read by a terminal emulator (pyte); what it wrote is kept as bytes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

PATIENCE_SECONDS = 60.0


class Terminal:
    """One process on a terminal of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 100,
        rows: int = 30,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = bytearray()
        self._ours, theirs = pty.openpty()
        self._size(columns, rows)
        keep = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**keep, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **(environment or {})},
        )
        os.close(theirs)

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Change the window, as a person with a mouse does."""
        self.columns, self.rows = columns, rows
        self.screen.resize(rows, columns)
        self._size(columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def text(self) -> str:
        """What a person sees."""
        rows = (self.screen.buffer[y] for y in range(self.rows))
        return "\n".join("".join(row[x].data for x in range(self.columns)) for row in rows)

    def read(self, seconds: float) -> bool:
        """Take what was written within `seconds`; false at the end of the process's output."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # EIO: the last process on this terminal has left (Linux)
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    def until(self, condition: Callable[[str], bool], seconds: float = PATIENCE_SECONDS) -> str:
        """Read until `condition` holds for the screen's text."""
        end = time.monotonic() + seconds
        while not condition(self.text()):
            if time.monotonic() > end or not self.read(0.1):
                raise AssertionError(f"it did not happen; on the terminal:\n{self.text()}")
        return self.text()

    def shows(self, *words: str, gone: str = "\0", seconds: float = PATIENCE_SECONDS) -> str:
        """Read until the screen shows all of `words`, and no longer what is to be `gone`."""
        return self.until(lambda text: all(each in text for each in words) and gone not in text, seconds)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Read to the end and return the exit code."""
        end = time.monotonic() + seconds
        while self.read(0.1):
            if time.monotonic() > end:
                raise AssertionError(f"it did not end; on the terminal:\n{self.text()}")
            if self.process.poll() is not None:
                break
        return self.process.wait(seconds)

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._ours)
        self._ours = -1

    def close(self) -> None:
        """End what still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)
