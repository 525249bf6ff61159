"""The ledger of messages whose final receipt has not come: by age, channel and campaign.

A message is open from its intent to its final status. Single messages and the legs of chains enter the ledger at once,
a campaign's rows when they are found open ten minutes after their intent, so that the millions whose receipts come in
seconds cost nothing. What is still open after 72 hours has AWS's word for it, UNKNOWN (End User Messaging user guide,
"Messaging events"); a delivery that is reported later overrules that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdas.core import keys
from lambdas.core.chain_terms import chain_of
from lambdas.core.lifecycle import NO_FINAL_RECEIPT, Status, StatusEvent
from lambdas.core.own_codes import UNKNOWN

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
FIRST_LOOK_MS = 10 * MINUTE_MS
OVERDUE_MS = HOUR_MS
GIVE_UP_MS = 72 * HOUR_MS
AGES_MS: tuple[tuple[str, int, int | None], ...] = (
    ("10m-1h", FIRST_LOOK_MS, OVERDUE_MS),
    ("1h-24h", OVERDUE_MS, 24 * HOUR_MS),
    ("24h-72h", 24 * HOUR_MS, GIVE_UP_MS),
    ("over-72h", GIVE_UP_MS, None),
)
"""Name, from and to of each age; what is over 72 hours old waits for the next sweep to give it up."""
SHOWN_IDS = 20
SHOWN_CAMPAIGNS = 20
SINGLE = "single messages"


class OpenMessage(NamedTuple):
    """One entry of the ledger: since when its intent is on record (epoch ms)."""

    message_id: str
    created_ms: int

    @property
    def campaign_id(self) -> str:
        """Whose message it is; empty for a single message."""
        place = keys.campaign_row(chain_of(self.message_id))
        return place[0] if place else ""


@dataclass(slots=True)
class AgeGroup:
    """The open messages of one channel and age; `complete` says whether all of them were read."""

    channel: str
    age: str
    messages: list[OpenMessage] = field(default_factory=list)
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """The group as the API shows it: how many, the oldest by their ids, whose they are."""
        oldest = sorted(self.messages, key=lambda message: message.created_ms)[:SHOWN_IDS]
        return {
            "channel": self.channel,
            "age": self.age,
            "messages": len(self.messages),
            "is_lower_bound": not self.complete,
            "oldest": [{"message_id": each.message_id, "since_ms": each.created_ms} for each in oldest],
            "by_campaign": _by_campaign(self.messages),
        }


def _by_campaign(messages: Iterable[OpenMessage]) -> dict[str, int]:
    """The campaigns with most open messages."""
    return dict(Counter(each.campaign_id or SINGLE for each in messages).most_common(SHOWN_CAMPAIGNS))


def ledger(groups: Iterable[AgeGroup]) -> dict[str, Any]:
    """The whole ledger: its groups that are not empty, and their sums by age and by channel."""
    by_age = dict.fromkeys((name for name, _, _ in AGES_MS), 0)
    by_channel: Counter[str] = Counter()
    shown = []
    for group in groups:
        by_age[group.age] += len(group.messages)
        by_channel[group.channel] += len(group.messages)
        if group.messages:
            shown.append(group.to_json())
    return {
        "messages": sum(by_age.values()),
        "is_lower_bound": any(group["is_lower_bound"] for group in shown),
        "by_age": by_age,
        "by_channel": dict(sorted(by_channel.items())),
        "groups": shown,
    }


def given_up(now_ms: int) -> StatusEvent:
    """What becomes of a message whose final receipt did not come in time."""
    return StatusEvent(Status.FAILED, now_ms, code=UNKNOWN, flags=frozenset({NO_FINAL_RECEIPT}))
