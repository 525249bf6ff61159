"""What the console may write to a terminal: text, and the few control sequences that Textual and a copy need."""

from __future__ import annotations

import base64
import re
import unicodedata

ALLOWED = re.compile(
    r"""
      \x1b\[ (?: 0 | (?:[1-9](?:;|(?=m)))* (?:38;2;RGB(?:;|(?=m)))? (?:48;2;RGB)? ) m  # SGR: colours and styles
    | \x1b\[ \d{1,4};\d{1,4} H                                                  # CUP: where to write
    | \x1b\[ \? (?:7|25|1000|1003|1004|1006|1015|1049|2004|2026|2048) [hl]      # DECSET, DECRST: modes of the screen
    | \x1b\[ \? (?:2026|2048) \$ p                                              # DECRQM: does the terminal know a mode?
    | \x1b\[ (?: >\d{1,2} | <) u                                                # kitty's keyboard protocol, on and off
    | \x1b\] 22 ; [a-z-]* \x07                                                  # OSC 22: the shape of the pointer
    """.replace("RGB", r"\d{1,3};\d{1,3};\d{1,3}"),
    re.VERBOSE,
)
"""Control sequences of xterm ("XTerm Control Sequences") and kitty that Textual 8.2 writes by itself."""
ONCE = (b"\x1b[?1049h", b"\x1b[?1049l")
"""The alternate screen is entered at the beginning and left at the end."""
COPY = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
"""OSC 52: the clipboard, written when somebody copies."""
HARMLESS = frozenset("\r\n")
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def copies_of(written: bytes) -> list[str]:
    """The texts that were put on the clipboard, in order."""
    return [base64.b64decode(each).decode("utf-8") for each in COPY.findall(written.decode("utf-8", "ignore"))]


def foreign(written: bytes) -> list[str]:
    """Everything in `written` that is neither text nor allowed, each with what stands around it."""
    text = COPY.sub("", written.decode("utf-8"))
    bare = ALLOWED.sub("", text)
    return [
        f"{bare[place]!r} in {bare[max(0, place - 30) : place + 30]!r}"
        for place in range(len(bare))
        if bare[place] not in HARMLESS and unicodedata.category(bare[place]) in INVISIBLE
    ]


def text_of(written: bytes) -> str:
    """`written` without its control sequences."""
    return ALLOWED.sub("", COPY.sub("", written.decode("utf-8", "ignore")))
