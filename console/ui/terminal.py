"""Whether the terminal that the console draws on is still there."""

from __future__ import annotations

import errno
import sys
import termios


def terminal_is_gone() -> bool:
    """A closed terminal answers every call with EIO; no signal tells a program that somebody else started on it.

    Anything else, a pipe or no terminal at all among it, is not gone.
    """
    if sys.__stdin__ is None:
        return False
    try:
        termios.tcgetattr(sys.__stdin__.fileno())
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    except (OSError, ValueError):
        return False
    return False
