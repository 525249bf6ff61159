"""What `/` understands: words that must or must not be there, in any cell or in one column, and regular expressions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from console.domain import ConsoleError, ProblemKind

HELP = (
    ("word", "rows with it in any cell, in any case"),
    ("!word", "rows without it"),
    ("column:word", "rows with it in that column"),
    ("!column:word", "rows without it there"),
    ("~pattern", "rows that match the regular expression; also column:~pattern"),
    ('"two words"', "quoted where a blank belongs to it"),
)
"""The grammar as help shows it; terms that stand beside each other must all hold."""

MAX_FILTER = 300

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the text of `column` (empty: of the whole row, lower case) must pass `matches`, or must not."""

    column: str
    matches: Matches
    negated: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """All terms must hold; none lets everything through."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def holds(self, row: Callable[[], str], cell: Callable[[str], str]) -> bool:
        """Whether a row passes; `row` gives all its cells in lower case, `cell` that of one column in lower case."""
        return all(term.matches(cell(term.column) if term.column else row()) is not term.negated for term in self.terms)


EVERYTHING = Filter()


def parse_filter(text: str, columns: Collection[str]) -> Filter:
    """The filter that `text` says; raises `ConsoleError` for a column that is not there or no regular expression.

    A word with a colon whose left side is no column is only a word: ARNs and times hold colons.
    """
    if len(text) > MAX_FILTER:
        raise _refused(f"the filter is longer than {MAX_FILTER} characters", "shorten it")
    terms = tuple(_term(word, columns) for word in _words(text))
    return Filter(text.strip(), tuple(term for term in terms if term is not None))


def _words(text: str) -> Sequence[str]:
    try:
        lexer = shlex.shlex(text, posix=True)
        lexer.whitespace_split, lexer.commenters, lexer.escape, lexer.quotes = True, "", "", '"'
        return list(lexer)
    except ValueError:
        return text.replace('"', " ").split()  # a quote that is still being typed


def _term(word: str, columns: Collection[str]) -> Term | None:
    negated = word.startswith("!")
    rest = word[1:] if negated else word
    left, colon, right = rest.partition(":")
    column = left.lower() if colon and left.lower() in columns else ""
    wanted = right if column else rest
    if not wanted:
        return None  # `!` or `state:` on the way to more
    if wanted.startswith("~"):
        return Term(column, _pattern(wanted[1:]), negated)
    return Term(column, _holding(wanted.lower()), negated)


def _holding(wanted: str) -> Matches:
    return lambda text: wanted in text


def _pattern(source: str) -> Matches:
    try:
        compiled = re.compile(source, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise _refused(f"{source!r} is no regular expression ({error})", "leave the ~ away to look for text") from None
    return lambda text: compiled.search(text) is not None


def _refused(sentence: str, remedy: str) -> ConsoleError:
    return ConsoleError(ProblemKind.BAD_INPUT, sentence, remedy)
