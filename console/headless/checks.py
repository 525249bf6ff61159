"""What a check of `doctor` answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """The verdict of one check; `skip` where nothing could be tried."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One check's verdict; `remedy` is empty where nothing needs doing."""

    name: str
    word: Word
    detail: str
    remedy: str = ""


def verdict(word: Word, detail: str, remedy: str = "") -> Check:
    """A verdict that whoever asked will name."""
    return Check("", word, detail, remedy)
