"""What menus offer: a key, a title, and what happens; screens list theirs, the application shows and runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu; `run` is called when it was chosen, after the menu has closed."""

    key: str
    title: str
    detail: str
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Copyable:
    """Something that can be copied: `text` is made when it is wanted."""

    key: str
    title: str
    text: Callable[[], str]
