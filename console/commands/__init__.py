"""The command line in parts: one module for each group of commands has its arguments and says what runs.

Nothing is imported before a command is chosen, so that `--help` stays quick. `make` of a command checks its input and
answers what is to be done with the connection.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.exit_codes import ExitCode
    from console.sources.base import Connection

    Command = Callable[[Connection], ExitCode]
    Make = Callable[[argparse.Namespace], Command]

Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns
