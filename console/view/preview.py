"""A preview as sections of signed lines, most important first, and those as text for a terminal or as markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from console.previews import CostLine, Preview, Property, Resource
from console.view.format import money

WIDTH = 80
MARKDOWN_LIMIT = 64_000
"""GitHub refuses comments of more than 65,536 characters."""

SMALLEST_USD = 0.00005
"""Differences below this are not worth a line."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class SignedLine:
    """`sign` is `+`, `-`, `~`, `!` or a space; `depth` indents."""

    sign: str
    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    heading: str
    lines: tuple[SignedLine, ...]


def marker(preview: Preview) -> str:
    """The first line of a comment, by which the next one finds it."""
    plain = re.sub(r"[^A-Za-z0-9_./-]", "", f"{preview.project}/{preview.stack}")
    return f"<!-- cpaas-preview {plain} -->"


def summary(preview: Preview) -> str:
    """One line with every total."""
    changes = [resource.change for resource in preview.resources]
    replaced = sum(resource.replaces for resource in preview.resources)
    parts = [
        f"{changes.count('added')} added, {changes.count('changed')} changed, {changes.count('removed')} removed"
        + (f", {replaced} of them replaced" if replaced else ""),
        f"{len(preview.gained)} right{'s' * (len(preview.gained) != 1)} gained, {len(preview.lost)} lost",
        f"{preview.findings} policy finding{'s' * (preview.findings != 1)}",
        f"monthly cost {_step(*preview.infrastructure)}",
    ]
    return "; ".join(parts)


def sections(preview: Preview) -> list[Section]:
    """What is worth reading, most important first; empty sections are left out."""
    found = [
        Section("Policy", tuple(_policy(preview))),
        Section("Permissions", tuple(_permissions(preview))),
        Section("Cost a month", tuple(_cost(preview))),
        Section("Resources", tuple(_resource(each) for each in preview.resources)),
        Section("Properties", tuple(_properties(preview))),
        Section("Assumed use in a month", tuple(_usage(preview))),
    ]
    return [section for section in found if section.lines]


def text(preview: Preview, width: int = WIDTH) -> str:
    """For a terminal, at most `width` columns wide."""
    paragraphs = [
        _wrapped(f"{preview.project}/{preview.stack}: {preview.head} against {preview.against}", "", width),
        _wrapped(summary(preview), "", width),
    ]
    for section in sections(preview):
        paragraphs.append("")
        paragraphs.append(section.heading)
        for line in section.lines:
            paragraphs.append(_wrapped(line.text, f"{'  ' * line.depth}{line.sign} ", width))
    return "\n".join(paragraphs)


def markdown(preview: Preview, limit: int = MARKDOWN_LIMIT) -> str:
    """For a comment: at most `limit` characters, the least important sections left out whole, with a note.

    All that comes from the program stands in fences that are longer than any run of backticks in it, so that no
    name or description becomes a link, a mention or markup.
    """
    head = [
        marker(preview),
        f"## Preview of {_code(f'{preview.project}/{preview.stack}')}",
        f"{_code(preview.head)} against {_code(preview.against)}",
        f"**{summary(preview)}**",
    ]
    parts, left_out = ["\n\n".join(head)], []
    room = limit - len(parts[0]) - 300  # for the note
    for section in sections(preview):
        rendered = _fenced(section)
        if len(rendered) + 2 > room:
            left_out.append(f"{section.heading.lower()} ({len(section.lines)} lines)")
            continue
        room -= len(rendered) + 2
        parts.append(rendered)
    if left_out:
        parts.append(f"_Too long for a comment: {', '.join(left_out)}. `cpaas-console preview` shows all._")
    return "\n\n".join(parts) + "\n"


def _fenced(section: Section) -> str:
    rows = [f"{line.sign} {'  ' * line.depth}{line.text}" for line in section.lines]
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(rows))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"### {section.heading}", f"{fence}diff", *rows, fence])


def _code(words: str) -> str:
    return f"`{words.replace('`', chr(39))}`"


def _wrapped(words: str, lead: str, width: int) -> str:
    return textwrap.fill(
        words,
        width,
        initial_indent=lead,
        subsequent_indent=" " * (len(lead) + (2 if lead else 0)),
        break_on_hyphens=False,
    )


def _policy(preview: Preview) -> Iterator[SignedLine]:
    for sign, word, findings in (
        ("!", "new", preview.new_findings),
        ("!", "still there", preview.standing_findings),
        ("+", "gone", preview.gone_findings),
    ):
        for each in findings:
            yield SignedLine(sign, f"{word}: {each.rule} ({each.severity}): {each.title} {each.message}")
    for waiver in preview.new_waivers:
        yield SignedLine("~", f"new waiver of {waiver.rule} for {waiver.title}: {waiver.reason}")
    for waiver in preview.gone_waivers:
        yield SignedLine("~", f"waiver gone: {waiver.rule} for {waiver.title}")


def _permissions(preview: Preview) -> Iterator[SignedLine]:
    yield from (SignedLine("+", sentence) for sentence in preview.gained)
    yield from (SignedLine("-", sentence) for sentence in preview.lost)


def _cost(preview: Preview) -> Iterator[SignedLine]:
    yield SignedLine(" ", f"infrastructure {_step(*preview.infrastructure)}")
    for line in preview.cost_lines:
        if abs(line.after - line.before) >= SMALLEST_USD:
            yield _cost_line(line)
    yield SignedLine(" ", f"fees of messages {_step(*preview.messages)}")
    if preview.unpriced:
        yield SignedLine("!", f"no price is known for {', '.join(preview.unpriced)}")
    yield SignedLine(" ", "list prices in us-east-1; no free tier is taken off")


def _cost_line(line: CostLine) -> SignedLine:
    notes = [*(["use assumed"] if line.assumed else []), *(["price is a guess"] if line.guess else [])]
    sign = "+" if line.after > line.before else "-"
    return SignedLine(
        sign,
        f"{line.subject}: {line.service} {line.item} {_step(line.before, line.after)}"
        + (f" ({', '.join(notes)})" if notes else ""),
        depth=1,
    )


def _resource(resource: Resource) -> SignedLine:
    replaced = " (replaces it)" if resource.replaces else ""
    return SignedLine(_SIGNS[resource.change], f"{resource.title}{replaced}")


def _properties(preview: Preview) -> Iterator[SignedLine]:
    for resource in preview.resources:
        if resource.properties:
            yield SignedLine("~", resource.title)
            yield from (SignedLine(" ", _property(each), depth=1) for each in resource.properties)


def _property(change: Property) -> str:
    step = " -> ".join((change.before or "(none)", change.after or "(none)"))
    if not change.before and change.after in ("added", "removed", "other content"):
        step = change.after
    return f"{change.path}: {step}{' (replaces)' if change.replaces else ''}"


def _usage(preview: Preview) -> Iterator[SignedLine]:
    words = ", ".join(f"{name.replace('_', ' ')} {value:,.12g}" for name, value in preview.usage)
    if words:
        yield SignedLine(" ", words)


def _step(before: float, after: float) -> str:
    difference = after - before
    if abs(difference) < SMALLEST_USD:
        return f"{money(after)}, unchanged"
    sign = "+" if difference > 0 else "-"
    return f"{money(before)} -> {money(after)} ({sign}{money(abs(difference))})"
