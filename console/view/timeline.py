"""The timeline of one message in words: its legs, when each status came, why it was not sent, what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.text import safe_line
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.segments import Line, Role, line, pad

_INDENT = "      "


def timeline_lines(message: Mapping[str, Any], glyphs: Glyphs) -> list[Line]:
    """The whole chain of a message as the API tells it."""
    status = _word(message, "status")
    head = [line((f"{status_glyph(status, glyphs)} {status}", _role(status)), f"  {_word(message, 'message_id', 64)}")]
    about = [
        (name, _word(message, key, 64))
        for name, key in (("campaign", "campaign_id"), ("customer", "customer_id"))
        if message.get(key)
    ]
    if _number(message.get("cost_usd")) is not None:
        about.append(("cost", fmt.money(_number(message.get("cost_usd")))))
    if message.get("explanation"):
        about.append(("why", _word(message, "explanation", 200)))
    head += [line((f"  {pad(name, 10)}", Role.MUTED), value) for name, value in about]
    legs = [each for each in _list(message, "legs") if isinstance(each, dict)]
    lines = [*head, *(each for leg in legs for each in _leg(leg, glyphs))]
    following = message.get("next")
    if isinstance(following, dict):
        lines.append(line(("  next      ", Role.MUTED), _next_words(following)))
    return lines


def _leg(leg: Mapping[str, Any], glyphs: Glyphs) -> Iterator[Line]:
    status = _word(leg, "status")
    channel, to = _word(leg, "channel", 16), _word(leg, "destination", 40) if leg.get("destination") else ""
    estimate = " estimated" if leg.get("cost_is_estimate") else ""
    cost = f"  {fmt.money(_number(leg.get('cost_usd')))}{estimate}" if leg.get("cost_usd") else ""
    yield line(
        (f"  {pad(channel, 10)}", Role.STRONG),
        (f"{status_glyph(status, glyphs)} {status}", _role(status)),
        f"  {to}",
        (cost, Role.MUTED),
    )
    decided = leg.get("decided")
    if isinstance(decided, dict):
        yield line((f"{_INDENT}because  ", Role.MUTED), _word(decided, "explanation", 200))
    for event in _list(leg, "events"):
        if isinstance(event, dict):
            yield _event(event)
    if leg.get("error_code"):
        asks = f" ({_word(leg, 'asks_for', 20).replace('_', ' ')})" if leg.get("asks_for") else ""
        yield line((f"{_INDENT}code     ", Role.MUTED), (f"{_word(leg, 'error_code', 80)}{asks}", Role.WARN))
    if leg.get("explanation"):
        yield line((f"{_INDENT}why      ", Role.MUTED), (_word(leg, "explanation", 200), Role.WARN))
    flags = [safe_line(flag, 40) for flag in _list(leg, "flags")]
    if flags:
        yield line((f"{_INDENT}flags    ", Role.MUTED), ", ".join(flags))


def _event(event: Mapping[str, Any]) -> Line:
    at, gap = _number(event.get("at_ms")), _number(event.get("gap_ms"))
    after = f"  +{fmt.span(gap / 1000)}" if gap else ""
    return line(
        (f"{_INDENT}{pad(fmt.MISSING if at is None else fmt.stamp(at / 1000), 24)} ", Role.MUTED),
        _word(event, "status"),
        (after, Role.MUTED),
    )


def _next_words(following: Mapping[str, Any]) -> str:
    words = _word(following, "explanation", 200)
    at = _number(following.get("until_ms") or following.get("not_before_ms"))
    when = f", {fmt.stamp(at / 1000)}" if at is not None else ""
    if following.get("step") == "send":
        return f"{_word(following, 'channel', 16)}: {words}{when}"
    return f"{'nothing: ' if following.get('step') == 'none' else 'it waits '}{words}{when}"


def _role(status: str) -> Role:
    return STATUS_ROLES.get(status, Role.PLAIN)


def _word(document: Mapping[str, Any], key: str, cells: int = 40) -> str:
    return safe_line(document.get(key) or fmt.MISSING, cells)


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
