"""Places in the console, and their links: `cpaas://<stack>/<screen>/<subject>?filter=...` names what is on a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

SCHEME = "cpaas"
MAX_LINK = 2048
PARAMETERS = ("filter", "sort", "from", "to")
"""What a link may say beside screen and subject: the filter and sort of a table, the time range of a chart or log in
epoch seconds. Links come from chats and tickets, so nothing else in one is heard."""


@dataclass(frozen=True, slots=True)
class Place:
    """One screen about one subject (an alarm's name, a message's id; empty for a list), and how it is looked at."""

    screen: str
    subject: str = ""
    params: Mapping[str, str] = field(default_factory=dict)

    def title(self) -> str:
        """As the breadcrumbs show it."""
        return self.subject or self.screen

    def having(self, **params: str) -> Place:
        """The same place looked at otherwise; an empty text takes a parameter away."""
        merged = {**self.params, **params}
        return replace(self, params={name: value for name, value in merged.items() if value})


def link(stack: str, place: Place) -> str:
    """The place as text that can be sent to somebody."""
    path = "/".join(quote(each, safe="") for each in (place.screen, place.subject) if each)
    known = {name: place.params[name] for name in PARAMETERS if place.params.get(name)}
    return f"{SCHEME}://{quote(stack, safe='')}/{path}" + (f"?{urlencode(known, quote_via=quote)}" if known else "")


def parse_link(text: str) -> tuple[str, Place]:
    """Stack and place of a link; raises `ConsoleError` for anything that is none. The screen's name is not checked."""
    try:
        if len(text) > MAX_LINK:
            raise ValueError("too long")
        parts = urlsplit(text.strip())
        names = [unquote(each, errors="strict") for each in parts.path.split("/")[1:]]
        query = parse_qsl(parts.query, keep_blank_values=False, errors="strict", max_num_fields=20)
    except ValueError:
        raise _no_link(text) from None
    if parts.scheme != SCHEME or not parts.netloc or not 1 <= len(names) <= 2 or not names[0]:
        raise _no_link(text)
    words = [safe_line(each, 300) for each in (unquote(parts.netloc), *names)]
    if words != [unquote(parts.netloc), *names]:
        raise _no_link(text)
    params = {name: safe_line(value, 300) for name, value in query if name in PARAMETERS}
    return words[0], Place(words[1], words[2] if len(words) > 2 else "", params)


def _no_link(text: str) -> ConsoleError:
    return ConsoleError(
        ProblemKind.BAD_INPUT,
        f"{safe_line(text, 80)!r} is no link of this console",
        "links look like cpaas://<stack>/<screen>/<subject>; `y` then `l` copies one",
    )
