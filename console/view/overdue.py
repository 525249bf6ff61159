"""Messages whose final receipt has not come, in words."""

from __future__ import annotations

from console.text import safe_line
from console.view import format as fmt
from console.view.foreign import Document, number_of, object_of, objects_of, time_of, word_of
from console.view.segments import Line, Role, line, pad, pad_left

OLDEST = 3
"""Messages named of each channel and age; the JSON has more."""


def overdue_lines(ledger: Document, now: float) -> list[Line]:
    """A line for each channel and age that has any, then its campaigns and its oldest messages."""
    lines = [each for group in objects_of(ledger, "groups") for each in _group(group, now)]
    return lines or [line(("no receipt is overdue", Role.OK))]


def _group(group: Document, now: float) -> list[Line]:
    more = " or more" if group.get("is_lower_bound") else ""
    head = line(
        pad(word_of(group, "channel", 12), 12),
        (pad(word_of(group, "age", 12), 12), Role.STRONG),
        (f"{pad_left(fmt.count(number_of(group, 'messages')), 8)}{more}", Role.WARN),
    )
    campaigns = object_of(group, "by_campaign")
    whose = [
        line((f"  {pad(safe_line(name, 48), 48)} {fmt.count(number_of(campaigns, name))}", Role.MUTED))
        for name in campaigns
    ]
    oldest = []
    for message in objects_of(group, "oldest")[:OLDEST]:
        since = time_of(message, "since_ms")
        age = fmt.MISSING if since is None else fmt.age(now - since)
        oldest.append(line((f"  oldest  {word_of(message, 'message_id', 64)}  {age}", Role.MUTED)))
    return [head, *whose, *oldest]
