"""Fields of answers that come as JSON: what is missing or of another type is nothing, and texts are made harmless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.text import safe_line
from console.view import format as fmt

MOST_MS = 10**14
"""Later than any time of ours (year 5138)."""

Document = Mapping[str, Any]


def objects_of(document: Document, key: str) -> list[Document]:
    """The objects of a list."""
    value = document.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts_of(document: Document, key: str) -> list[str]:
    """The texts of a list."""
    value = document.get(key)
    return [safe_line(each, 40) for each in value if isinstance(each, str)] if isinstance(value, list) else []


def object_of(document: Document, key: str) -> Document:
    """An object, empty where there is none."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def word_of(document: Document, key: str, cells: int = 40) -> str:
    """A text on one line, `-` where there is none."""
    return safe_line(document.get(key) or fmt.MISSING, cells)


def number_of(document: Document, key: str) -> float | None:
    """A number."""
    value = document.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def time_of(document: Document, key: str) -> float | None:
    """A time in milliseconds as epoch seconds."""
    value = number_of(document, key)
    return value / 1000 if value is not None and 0 <= value < MOST_MS else None


def stamp_of(document: Document, key: str) -> str:
    """A time in milliseconds in ISO 8601, `-` where there is none."""
    at = time_of(document, key)
    return fmt.MISSING if at is None else fmt.stamp(at)
