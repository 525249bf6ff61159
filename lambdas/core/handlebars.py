"""What a template stored in SES asks of a message's variables, which are plain texts by name.

SES renders with Handlebars (SES developer guide, "Advanced email personalization"; handlebarsjs.com, "Built-in
helpers"), and fails a mail for a placeholder that the data lacks, while `{{#if name}}` of one that is absent or empty
takes its `{{else}}`. So which names a mail needs depends on its own variables. What no plain text can fill (a list, an
object's fields), and what cannot be judged here, is a flaw of the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lambdas.core.template_flaw import TemplateFlawError

MAX_DEPTH = 50
"""Blocks within each other that are followed."""
_TAG = re.compile(
    r"(?P<escaped>(?<!\\)\\\{\{)"
    r"|\{\{~?!--.*?--~?\}\}"
    r"|\{\{~?!.*?\}\}"
    r"|\{\{\{(?P<triple>[^{}]*)\}\}\}"
    r"|\{\{(?!\{)(?P<plain>[^{}]*)\}\}"
    r"|(?P<loose>\{\{)",
    re.DOTALL,
)
_NAME = re.compile(r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+")
"""An identifier (handlebarsjs.com, "Expressions")."""
_ROOT = re.compile(r"^(this[./]|\./)")
_INLINE = re.compile(r"#\s*\*\s*inline\s+[\"']([^\"']+)[\"']")
_BLOCKS = {"if": True, "unless": False}
"""Blocks that look at one variable, and whether its presence takes the first part."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{{ name }}`."""

    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """`{{> name }}`: what `{{#* inline "name"}}` holds, at this place."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """`{{#if name}}`, or `{{#unless name}}` with its parts the other way round."""

    name: str
    present: list[Node] = field(default_factory=list)
    absent: list[Node] = field(default_factory=list)


Node = Placeholder | Partial | Choice


class MailText(NamedTuple):
    """One text of a template: what it holds besides plain words, and its inline partials."""

    nodes: Sequence[Node]
    partials: Mapping[str, Sequence[Node]]

    def missing(self, variables: Mapping[str, str]) -> set[str]:
        """The names that this mail would show and `variables` lacks."""
        return {name for name in self._shown(variables) if name not in variables}

    def always(self) -> set[str]:
        """The names that every mail shows, whatever its variables are."""
        return set(self._shown(None))

    def _shown(self, variables: Mapping[str, str] | None) -> Iterator[str]:
        """The names that are shown; without variables those outside of all choices."""
        ahead: list[Node] = [*self.nodes]
        entered: set[str] = set()
        while ahead:
            node = ahead.pop()
            if isinstance(node, Placeholder):
                yield node.name
            elif isinstance(node, Choice):
                if variables is not None:
                    ahead += node.present if variables.get(node.name) else node.absent
            elif node.name not in entered:
                entered.add(node.name)
                ahead += self.partials[node.name]


def parse_mail_text(text: str) -> MailText:
    """Read one text of a template; raises `TemplateFlawError`."""
    parser = _Parser()
    for tag in _TAG.finditer(text):
        if tag["escaped"]:
            continue
        if tag["loose"]:
            raise TemplateFlawError("has a {{ that is not closed")
        if (triple := tag["triple"]) is not None:
            parser.placeholder(triple.strip())
        elif tag["plain"] is not None:
            parser.tag(tag["plain"].strip("~").strip())
    return parser.finished()


@dataclass(slots=True)
class _Block:
    """A block that is open: where its parts go, and with how many others one closing tag ends it."""

    kind: str
    nodes: list[Node]
    otherwise: list[Node] | None
    chained: bool = False


class _Parser:
    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._open: list[_Block] = []
        self._partials: dict[str, list[Node]] = {}
        self._called: set[str] = set()

    def tag(self, tag: str) -> None:
        """Take what stands between `{{` and `}}`."""
        if inline := _INLINE.fullmatch(tag):
            self._enter(_Block("inline", self._partials.setdefault(inline[1], []), None))
        elif tag.startswith("#"):
            self._begin(tag)
        elif tag.startswith("/"):
            self._end(tag[1:].strip())
        elif tag.startswith(">"):
            self._call(tag)
        elif tag == "^" or tag.split()[:1] == ["else"]:
            self._otherwise(tag)
        else:
            self.placeholder(tag.removeprefix("&").strip())

    def placeholder(self, expression: str) -> None:
        """Take an expression that is shown."""
        self._add(Placeholder(_name(expression)))

    def finished(self) -> MailText:
        """What has been read; raises `TemplateFlawError` where something is left open."""
        if self._open:
            raise TemplateFlawError(f"does not close {_quoted('#' + self._open[-1].kind)}")
        if unknown := sorted(self._called - self._partials.keys()):
            raise TemplateFlawError(f"calls the partial {unknown[0][:64]!r}, which it does not define")
        return MailText(self._nodes, self._partials)

    def _add(self, node: Node) -> None:
        (self._open[-1].nodes if self._open else self._nodes).append(node)

    def _enter(self, block: _Block) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise TemplateFlawError(f"has more than {MAX_DEPTH} blocks within each other: make it simpler")
        self._open.append(block)

    def _begin(self, tag: str) -> None:
        kind, expression = _words(tag[1:])
        if kind in ("each", "with"):
            raise TemplateFlawError(
                f"uses {_quoted(tag)}, and variables are plain texts: use one variable for the whole"
            )
        if kind not in _BLOCKS:
            raise TemplateFlawError(f"uses the block {_quoted(tag)}, which is not supported here: use #if or #unless")
        self._choose(kind, expression, chained=False)

    def _choose(self, kind: str, expression: str, *, chained: bool) -> None:
        choice = Choice(_name(expression))
        self._add(choice)
        parts = (choice.present, choice.absent) if _BLOCKS[kind] else (choice.absent, choice.present)
        self._enter(_Block(kind, *parts, chained))

    def _otherwise(self, tag: str) -> None:
        if not self._open or (otherwise := self._open[-1].otherwise) is None:
            raise TemplateFlawError(f"has {_quoted(tag)} outside of an #if")
        self._open[-1].nodes, self._open[-1].otherwise = otherwise, None
        kind, expression = _words(tag.removeprefix("else"))
        if kind in _BLOCKS:
            self._choose(kind, expression, chained=True)
        elif tag not in ("else", "^"):
            raise TemplateFlawError(f"uses {_quoted(tag)}, which is not supported here: use else if")

    def _end(self, kind: str) -> None:
        while self._open and self._open[-1].chained:
            self._open.pop()
        if not self._open or self._open[-1].kind != kind:
            raise TemplateFlawError(f"has {_quoted('/' + kind)} without its beginning")
        self._open.pop()

    def _call(self, tag: str) -> None:
        name = tag[1:].strip()
        if not _NAME.fullmatch(name):
            raise TemplateFlawError(
                f"uses {_quoted(tag)}, which is not supported here: call a partial by its name alone"
            )
        self._called.add(name)
        self._add(Partial(name))


def _words(text: str) -> tuple[str, str]:
    """The first word, and what follows it."""
    first, *rest = text.split(maxsplit=1) or [""]
    return first, "".join(rest).strip()


def _name(expression: str) -> str:
    name = _ROOT.sub("", expression)
    if not _NAME.fullmatch(name) or name == "this":
        raise TemplateFlawError(
            f"uses {_quoted(expression)}, and variables are plain texts: use one name of a variable"
        )
    return name


def _quoted(tag: str) -> str:
    return f"{{{{{tag[:64]}}}}}"
