"""Exit codes of `cpaas-console`, all of them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell reads; `docs` and scripts use these numbers."""

    OK = 0
    """Done as asked."""
    FAILED = 1
    """Done, and the answer is bad: a check failed, a campaign was stopped, messages are unaccounted for, a session
    broke, a previewed program breaks policy rules."""
    CANNOT = 2
    """Bad input, no terminal, no connection to the stack, or no program to evaluate: nothing was done."""
    TIMED_OUT = 3
    """`--wait` or `--wait-receipts` ended before the campaign did; it goes on without us."""
    INTERRUPTED = 130
    """Ctrl-C (128 + SIGINT, as shells have it)."""
