"""The timeline of one message in words: what happened when on which channel, why it was not sent, what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from console.view import format as fmt
from console.view.foreign import Document, number_of, object_of, objects_of, stamp_of, texts_of, time_of, word_of
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.segments import Line, Role, line, pad, pad_left

FALLBACK = "fallback"
"""The event that is no status: another leg was decided on."""
LIVE_STEPS = ("wait", "send")
NAME_CELLS = 10
MEANINGS: Mapping[str, str] = {
    "sending": "handed to the provider",
    "in_doubt": "the provider's answer was lost: it may have been sent",
    "sent": "the provider has accepted it",
    "delivered": "receipt: it has arrived",
    "read": "receipt: it was read",
}


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened to a message; `at` is the epoch second, `gap_ms` the time since the event before on any
    channel, None for the first and where a time is missing."""

    id: str
    at: float | None
    gap_ms: int | None
    leg: int
    channel: str
    event: str
    detail: str


def is_live(message: Document) -> bool:
    """Whether something may still happen that the stack waits for."""
    return object_of(message, "next").get("step") in LIVE_STEPS or not objects_of(message, "legs")


def events_of(message: Document) -> tuple[TimelineEvent, ...]:
    """All that happened on all legs, in the order of its times."""
    found = [event for number, leg in enumerate(objects_of(message, "legs")) for event in _events(number, leg)]
    found.sort(key=lambda event: (event.at is None, event.at or 0.0))
    told: list[TimelineEvent] = []
    for event in found:
        before = told[-1].at if told else None
        gap = None if before is None or event.at is None else round(1000 * (event.at - before))
        told.append(replace(event, gap_ms=gap))
    return tuple(told)


def _events(number: int, leg: Document) -> Iterator[TimelineEvent]:
    channel = word_of(leg, "channel", 16)
    if decided := object_of(leg, "decided"):
        words = word_of(decided, "explanation", 200)
        yield TimelineEvent(f"{number}.0", time_of(decided, "at_ms"), None, number, channel, FALLBACK, words)
    for place, event in enumerate(objects_of(leg, "events"), start=1):
        status = word_of(event, "status")
        at = time_of(event, "at_ms")
        yield TimelineEvent(f"{number}.{place}", at, None, number, channel, status, _meaning(status, leg))


def _meaning(status: str, leg: Document) -> str:
    if status != "failed":
        return MEANINGS.get(status, "")
    if leg.get("explanation"):
        return word_of(leg, "explanation", 200)
    accepted = any(event.get("status") == "sent" for event in objects_of(leg, "events"))
    return f"{'receipt' if accepted else 'refused'}: {_code(leg)}"


def _code(leg: Document) -> str:
    asks = f" ({word_of(leg, 'asks_for', 20).replace('_', ' ')})" if leg.get("asks_for") else ""
    return f"{word_of(leg, 'error_code', 80)}{asks}"


def gap_words(gap_ms: int | None) -> str:
    """The time since the event before."""
    return "" if gap_ms is None else f"+{gap_ms:,} ms"


def timeline_lines(message: Document, glyphs: Glyphs) -> list[Line]:
    """The whole chain of a message as the API tells it: what it is, what happened, and each leg."""
    events = events_of(message)
    lines = [*summary_lines(message, glyphs), ()]
    lines += [_event(event, glyphs) for event in events]
    if events:
        lines.append(())
    return (lines + leg_lines(message, glyphs)) if objects_of(message, "legs") else lines[:-1]


def summary_lines(message: Document, glyphs: Glyphs) -> list[Line]:
    """Its state, whose it is, what it has cost in all, why it was not sent, what comes next."""
    status = word_of(message, "status")
    lines = [
        line((f"{status_glyph(status, glyphs)} {status}", _role(status)), f"  {word_of(message, 'message_id', 64)}")
    ]
    about = [
        (name, word_of(message, key, 64))
        for name, key in (("campaign", "campaign_id"), ("customer", "customer_id"))
        if message.get(key)
    ]
    if number_of(message, "cost_usd") is not None:
        about.append(("cost in all", fmt.money(number_of(message, "cost_usd"))))
    if about:
        lines.append(
            line("  ", *(piece for name, value in about for piece in ((f"{name} ", Role.MUTED), f"{value}   ")))
        )
    why = [
        word_of(each, "explanation", 200) for each in (message, *objects_of(message, "legs")) if each.get("explanation")
    ]
    lines += [line((f"  {pad('why', NAME_CELLS)}", Role.MUTED), (words, Role.WARN)) for words in dict.fromkeys(why)]
    if following := object_of(message, "next"):
        lines.append(line((f"  {pad('next', NAME_CELLS)}", Role.MUTED), _next_words(following)))
    return lines


def leg_lines(message: Document, glyphs: Glyphs, *, brief: bool = False) -> list[Line]:
    """Each leg with its recipient, its price and what its provider said; `brief` without ids and what events tell."""
    legs = enumerate(objects_of(message, "legs"))
    return [each for number, leg in legs for each in _leg(number, leg, glyphs, brief=brief)]


def _event(event: TimelineEvent, glyphs: Glyphs) -> Line:
    at = fmt.MISSING if event.at is None else fmt.stamp(event.at)
    return line(
        (f"  {pad(at, 24)} ", Role.MUTED),
        (f"{pad_left(gap_words(event.gap_ms), 13)}  ", Role.MUTED),
        f"{pad(leg_name(event.leg, event.channel), 12)}",
        (f"{pad(event_words(event, glyphs), 12)}", event_role(event)),
        (event.detail, Role.MUTED),
    )


def leg_name(number: int, channel: str) -> str:
    """A leg in a few cells; people count from 1."""
    return f"{number + 1} {channel}"


def event_words(event: TimelineEvent, glyphs: Glyphs) -> str:
    """Glyph and name of an event."""
    glyph = glyphs.deeper if event.event == FALLBACK else status_glyph(event.event, glyphs)
    return f"{glyph} {event.event}"


def event_role(event: TimelineEvent) -> Role:
    """That of its status."""
    return Role.WARN if event.event == FALLBACK else _role(event.event)


def _leg(number: int, leg: Document, glyphs: Glyphs, *, brief: bool) -> Iterator[Line]:
    status = word_of(leg, "status")
    to = " ".join(word_of(leg, key) for key in ("destination", "country") if leg.get(key))
    estimate = " estimated" if leg.get("cost_is_estimate") else ""
    cost = f"  {fmt.money(number_of(leg, 'cost_usd'))}{estimate}" if leg.get("cost_usd") else "  not charged"
    parts = number_of(leg, "parts")
    parted = f"  {parts:.0f} part{'s' if parts != 1 else ''}" if parts else ""
    yield line(
        (f"  {pad(leg_name(number, word_of(leg, 'channel', 10)), 12)}", Role.STRONG),
        (pad(f"{status_glyph(status, glyphs)} {status}", 12), _role(status)),
        to,
        (f"{parted}{cost}", Role.MUTED),
    )
    ids = [
        ("id", word_of(leg, "message_id", 64) if number else "", Role.PLAIN),
        ("provider", word_of(leg, "provider_id", 80) if leg.get("provider_id") else "", Role.PLAIN),
        ("because", word_of(object_of(leg, "decided"), "explanation", 200) if leg.get("decided") else "", Role.PLAIN),
    ]
    rows = [
        ("code", _code(leg) if leg.get("error_code") else "", Role.WARN),
        ("why", word_of(leg, "explanation", 200) if leg.get("explanation") else "", Role.WARN),
        ("flags", ", ".join(texts_of(leg, "flags")), Role.PLAIN),
    ]
    for name, words, role in rows if brief else [*ids, *rows]:
        if words:
            yield line((f"    {pad(name, NAME_CELLS)}", Role.MUTED), (words, role))


def _next_words(following: Document) -> str:
    words = word_of(following, "explanation", 200)
    key = next((key for key in ("until_ms", "not_before_ms") if following.get(key)), None)
    when = "" if key is None else f", {stamp_of(following, key)}"
    if following.get("step") == "send":
        return f"{word_of(following, 'channel', 16)}: {words}{when}"
    return f"{'nothing: ' if following.get('step') == 'none' else 'it waits '}{words}{when}"


def _role(status: str) -> Role:
    return STATUS_ROLES.get(status, Role.PLAIN)
