"""Cells that spreadsheets take for text: what begins like a formula gets an apostrophe (OWASP, "CSV Injection")."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the first four in full width, which spreadsheets of East Asia take for the same."""


def neutral(text: str) -> str:
    """A cell that no spreadsheet runs, whatever it holds; blanks before a formula do not hide it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS) else text
