"""Messages as rows."""

from __future__ import annotations

from console.domain import Message
from console.invocations import own
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.segments import Line, Role, line, pad
from console.view.table import Column, Kind, Look


def _status(message: Message, look: Look) -> str:
    return f"{status_glyph(message.status, look.glyphs)} {message.status}"


def _role(message: Message) -> Role:
    return STATUS_ROLES.get(message.status, Role.PLAIN)


def _took_ms(message: Message) -> int | None:
    """Milliseconds to the last state, None where there is only the first."""
    return (message.changed_ms - message.created_ms if message.changed_ms is not None else 0) or None


def _took(message: Message, _: Look) -> str:
    took = _took_ms(message)
    return fmt.MISSING if took is None else fmt.span(max(0, took) / 1000)


KIND: Kind[Message] = Kind(
    name="messages",
    columns=(
        Column("status", 11, _status, key=lambda message: message.status, role=_role),
        Column(
            "created",
            8,
            lambda message, _: fmt.clock(message.created_ms / 1000),
            key=lambda message: message.created_ms,
            role=lambda _: Role.MUTED,
        ),
        Column("channel", 8, lambda message, _: message.channel, role=lambda _: Role.MUTED, need=64),
        Column("id", 0, lambda message, _: message.id, key=lambda message: message.id, share=2, least=20, tail=True),
        Column(
            "customer",
            14,
            lambda message, _: message.customer_id,
            key=lambda message: message.customer_id,
            role=lambda _: Role.MUTED,
            need=76,
        ),
        Column("took", 8, _took, key=_took_ms, right=True),
        Column(
            "cost",
            8,
            lambda message, _: fmt.money(message.cost_usd),
            key=lambda message: message.cost_usd,
            right=True,
            need=110,
        ),
        Column(
            "reason",
            0,
            lambda message, _: message.reason,
            key=lambda m: m.reason or None,
            role=lambda _: Role.WARN,
            least=10,
        ),
    ),
    id=lambda message: message.id,
    sort="created",
    descending=True,
    command=lambda message, stack: own(stack, "message", message.id),
)


def details(message: Message, glyphs: Glyphs) -> list[Line]:
    """One message as its row tells it."""
    at = message.changed_ms
    rows = (
        ("customer", message.customer_id),
        ("channel", message.channel),
        ("created", fmt.stamp(message.created_ms / 1000)),
        ("last state", fmt.MISSING if at is None else fmt.stamp(at / 1000)),
        ("cost", fmt.money(message.cost_usd)),
        ("reason", message.reason or fmt.MISSING),
    )
    return [
        line((f"{status_glyph(message.status, glyphs)} {message.status}", _role(message))),
        line((message.id, Role.STRONG)),
        *(line((pad(name, 12), Role.MUTED), text) for name, text in rows),
        (),
        line(("enter: its timeline on all channels", Role.MUTED)),
    ]


def progress_words(read: int, total: int | None, *, complete: bool) -> str:
    """How far a search is."""
    if complete:
        return f"{fmt.count(read)} read"
    return f"{fmt.count(read)} of {fmt.count(total)} read" if total is not None else f"{fmt.count(read)} read so far"
