"""The timeline of one message in words: its legs, when each status came, why it was not sent, what comes next."""

from __future__ import annotations

from collections.abc import Iterator

from console.view import format as fmt
from console.view.foreign import Document, number_of, object_of, objects_of, stamp_of, texts_of, word_of
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.segments import Line, Role, line, pad

_INDENT = "      "


def timeline_lines(message: Document, glyphs: Glyphs) -> list[Line]:
    """The whole chain of a message as the API tells it."""
    status = word_of(message, "status")
    lines = [
        line((f"{status_glyph(status, glyphs)} {status}", _role(status)), f"  {word_of(message, 'message_id', 64)}")
    ]
    about = [("campaign", "campaign_id"), ("customer", "customer_id"), ("why", "explanation")]
    rows = [(name, word_of(message, key, 200)) for name, key in about if message.get(key)]
    if number_of(message, "cost_usd") is not None:
        rows.append(("cost", fmt.money(number_of(message, "cost_usd"))))
    lines += [line((f"  {pad(name, 10)}", Role.MUTED), value) for name, value in rows]
    for leg in objects_of(message, "legs"):
        lines += _leg(leg, glyphs)
    if following := object_of(message, "next"):
        lines.append(line(("  next      ", Role.MUTED), _next_words(following)))
    return lines


def _leg(leg: Document, glyphs: Glyphs) -> Iterator[Line]:
    status = word_of(leg, "status")
    to = word_of(leg, "destination") if leg.get("destination") else ""
    estimate = " estimated" if leg.get("cost_is_estimate") else ""
    cost = f"  {fmt.money(number_of(leg, 'cost_usd'))}{estimate}" if leg.get("cost_usd") else ""
    yield line(
        (f"  {pad(word_of(leg, 'channel', 10), 10)}", Role.STRONG),
        (f"{status_glyph(status, glyphs)} {status}", _role(status)),
        f"  {to}",
        (cost, Role.MUTED),
    )
    if decided := object_of(leg, "decided"):
        yield line((f"{_INDENT}because  ", Role.MUTED), word_of(decided, "explanation", 200))
    for event in objects_of(leg, "events"):
        gap = number_of(event, "gap_ms")
        after = f"  +{fmt.span(gap / 1000)}" if gap else ""
        at = pad(stamp_of(event, "at_ms"), 24)
        yield line((f"{_INDENT}{at} ", Role.MUTED), word_of(event, "status"), (after, Role.MUTED))
    if leg.get("error_code"):
        asks = f" ({word_of(leg, 'asks_for', 20).replace('_', ' ')})" if leg.get("asks_for") else ""
        yield line((f"{_INDENT}code     ", Role.MUTED), (f"{word_of(leg, 'error_code', 80)}{asks}", Role.WARN))
    if leg.get("explanation"):
        yield line((f"{_INDENT}why      ", Role.MUTED), (word_of(leg, "explanation", 200), Role.WARN))
    if flags := texts_of(leg, "flags"):
        yield line((f"{_INDENT}flags    ", Role.MUTED), ", ".join(flags))


def _next_words(following: Document) -> str:
    words = word_of(following, "explanation", 200)
    key = next((key for key in ("until_ms", "not_before_ms") if following.get(key)), None)
    when = "" if key is None else f", {stamp_of(following, key)}"
    if following.get("step") == "send":
        return f"{word_of(following, 'channel', 16)}: {words}{when}"
    return f"{'nothing: ' if following.get('step') == 'none' else 'it waits '}{words}{when}"


def _role(status: str) -> Role:
    return STATUS_ROLES.get(status, Role.PLAIN)
