"""A storm of receipts about many messages, and what it must come to.

Each message has a story: what its call was answered and what its provider told, by which path and with which clock.
The sums that a set of stories must come to are worked out here from the stories alone, without the code under test.
"""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.correlation import callback_data
from tests.support import golden

STACK = "dev"
START_MS = 1_780_000_000_000
HOUR_MS = 3_600_000
ESTIMATE_USD = Decimal("0.00881")
CARRIER_FEE_USD = Decimal("0.003")
PRICES_USD = (Decimal("0.00581"), Decimal("0.00612"))
MAX_SKEW_MS = 120_000
"""How far the clocks of provider and carrier may be off, either way."""


class Own(StrEnum):
    """What the sender itself put on record."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Told:
    """One receipt: the provider's word, its own time, the path, and the price where the channel tells one."""

    word: str
    at_ms: int
    on_bus: bool
    price_usd: Decimal = PRICES_USD[0]


@dataclass(frozen=True, slots=True)
class Story:
    """One message from its call to its last receipt."""

    campaign_id: str
    row: int
    channel: Channel
    called_ms: int
    own: Own
    told: tuple[Told, ...]

    @property
    def message_id(self) -> str:
        """Our id."""
        return keys.message(self.campaign_id, self.row)

    @property
    def provider_id(self) -> str:
        """What the call returned, or would have."""
        return f"provider-{self.message_id}"

    def known(self) -> tuple[Told, ...]:
        """The receipts that can be matched: of a call without an answer nobody knows the provider's id, so only what
        names our own id counts, or what follows an SMS receipt that told both."""
        if self.own is not Own.IN_DOUBT or self.channel is Channel.EMAIL:
            return self.told
        by_topic = tuple(told for told in self.told if not told.on_bus)
        return self.told if by_topic and self.channel is Channel.SMS else by_topic


SCRIPTS: Mapping[Channel, Sequence[tuple[int, Sequence[tuple[str, int]]]]] = {
    Channel.SMS: (
        (40, (("PENDING", 100), ("SUCCESSFUL", 900))),
        (25, (("PENDING", 100), ("SUCCESSFUL", 900), ("DELIVERED", 2_500))),
        (5, (("DELIVERED", 700), ("UNKNOWN", 72 * HOUR_MS))),
        (4, (("UNKNOWN", 72 * HOUR_MS), ("DELIVERED", 73 * HOUR_MS))),
        (8, (("PENDING", 100), ("UNREACHABLE", 60_000))),
        (4, (("INVALID", 300),)),
        (4, (("QUEUED", 50), ("CARRIER_BLOCKED", 700), ("TTL_EXPIRED", 900))),
        (5, (("QUEUED", 50),)),
        (5, ()),
    ),
    Channel.WHATSAPP: (
        (40, (("sent", 0), ("delivered", 2_000), ("read", 60_000))),
        (25, (("sent", 0), ("delivered", 2_000))),
        (8, (("sent", 0), ("read", 5_000))),
        (12, (("sent", 0), ("131026", 3_000))),
        (5, (("131050", 1_000), ("131026", 1_000))),
        (5, (("131026", 1_000), ("delivered", 9_000))),
        (5, ()),
    ),
    Channel.EMAIL: (
        (45, (("send", 0), ("delivery", 1_500), ("open", 90_000))),
        (20, (("send", 0), ("delivery", 1_500))),
        (10, (("send", 0), ("delivery-delay", 600_000), ("bounce-transient", 9 * HOUR_MS))),
        (10, (("send", 0), ("bounce-permanent", 2_000))),
        (5, (("send", 0), ("delivery", 1_500), ("bounce-permanent", HOUR_MS), ("complaint", 20 * HOUR_MS))),
        (5, (("rendering-failure", 10),)),
        (5, ()),
    ),
}
"""By channel: weight, and the provider's words with their times after the call in milliseconds."""

SENT = {"PENDING", "QUEUED", "sent", "send", "delivery-delay", "complaint"}
DELIVERED = {"SUCCESSFUL", "DELIVERED", "delivered", "delivery"}
READ = {"read", "open"}
FAILED = {"UNKNOWN", "UNREACHABLE", "INVALID", "CARRIER_BLOCKED", "TTL_EXPIRED", "131026", "131050"} | {
    "bounce-transient", "bounce-permanent", "rendering-failure",
}  # fmt: skip


@dataclass(slots=True)
class Sums:
    """What a campaign's counter of one channel must say."""

    counts: Counter[str] = field(default_factory=Counter)
    cost_usd: Decimal = Decimal(0)


def expected(stories: Iterable[Story]) -> dict[tuple[str, str], Sums]:
    """The counters by (campaign, channel) once every receipt is in."""
    sums: dict[tuple[str, str], Sums] = {}
    for story in stories:
        known = story.known()
        words = {told.word for told in known}
        arrived = not words.isdisjoint(DELIVERED | READ)
        accepted = story.own is Own.ACCEPTED or bool(known)
        failed = not arrived and (story.own is Own.REFUSED or not words.isdisjoint(FAILED))
        times = [told.at_ms for told in known if told.word in DELIVERED]
        entry = sums.setdefault((story.campaign_id, story.channel.value), Sums())
        entry.counts.update(
            sent=int(accepted),
            delivered=int(arrived),
            failed=int(failed),
            refused=int(failed and not accepted),
            in_doubt=int(story.own is Own.IN_DOUBT and not known),
            delivery_ms_sum=max(0, min(times) - story.called_ms) if times else 0,
        )
        if accepted:
            charged = [told.price_usd + CARRIER_FEE_USD for told in known if story.channel is Channel.SMS]
            entry.cost_usd += max(charged, default=ESTIMATE_USD)
    return sums


def stories(rnd: random.Random, campaign_id: str, receipts: int) -> list[Story]:
    """Stories of one campaign over three channels with exactly so many receipts."""
    made: list[Story] = []
    left = receipts
    while left:
        story = _story(rnd, campaign_id, len(made), left)
        made.append(story)
        left -= len(story.told)
    return made


def _story(rnd: random.Random, campaign_id: str, row: int, at_most: int) -> Story:
    channel = rnd.choices(list(SCRIPTS), weights=[60, 25, 15])[0]
    own = rnd.choices(list(Own), weights=[90, 4, 6])[0]
    called_ms = START_MS + rnd.randrange(HOUR_MS)
    scripts = SCRIPTS[channel]
    script = () if own is Own.REFUSED else rnd.choices([s for _, s in scripts], weights=[w for w, _ in scripts])[0]
    told = []
    skew_ms = rnd.choice((0, 0, rnd.randint(-MAX_SKEW_MS, MAX_SKEW_MS)))
    for word, after_ms in script:
        at_ms = called_ms + after_ms + skew_ms + rnd.randrange(50)
        if channel is Channel.WHATSAPP:
            at_ms = at_ms // 1_000 * 1_000 + 999
        paths = rnd.choice(((True,), (False,), (True, False)))
        told += [Told(word, at_ms, on_bus, rnd.choice(PRICES_USD)) for on_bus in paths]
    return Story(campaign_id, row, channel, called_ms, own, tuple(told[:at_most]))


Arrival = tuple[int, int]
"""(index of a story, index of its receipt); -1 for the answer of the call itself."""


def arrivals(rnd: random.Random, some: Sequence[Story], *, copies: float = 0.25, late: float = 0.05) -> list[Arrival]:
    """Everything that happens to the stories, in one random order: answers, receipts, a share of them copied, and a
    share of them after everything else."""
    receipts = [(number, index) for number, story in enumerate(some) for index in range(len(story.told))]
    copied = rnd.sample(receipts, int(len(receipts) * copies))
    everything = [*receipts, *copied, *((number, -1) for number in range(len(some)))]
    rnd.shuffle(everything)
    held = set(rnd.sample(receipts, int(len(receipts) * late)))
    everything.sort(key=lambda arrival: arrival in held)
    return everything


def body_of(story: Story, told: Told) -> str:
    """The queue message of a receipt."""
    text = _template(story.channel, told.word, told.on_bus)
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=told.at_ms)
    for token, value in (
        (_MESSAGE, story.message_id),
        (_PROVIDER, story.provider_id),
        (_ISO, at.isoformat(timespec="milliseconds")),
        (_SECONDS, str(told.at_ms // 1_000)),
        (_MILLISECONDS, str(told.at_ms)),
        (_PRICE, str(told.price_usd)),
    ):
        text = text.replace(token, value)
    return text


_MESSAGE, _PROVIDER, _ISO = "our-message-id", "the-provider-s-id", "2001-01-01T00:00:00.000+00:00"
_SECONDS, _MILLISECONDS, _PRICE = "1222222222", "1111111111111", "0.07777"


@functools.cache
def _template(channel: Channel, word: str, on_bus: bool) -> str:
    """A documented event with tokens where messages differ."""
    make = {Channel.SMS: _sms, Channel.WHATSAPP: _whatsapp, Channel.EMAIL: _email}[channel]
    return make(word, on_bus)


def _sms(word: str, on_bus: bool) -> str:
    event = golden.load("sms/bus-delivered" if on_bus else "sms/topic-successful").event
    detail = event["detail"] if on_bus else event
    detail |= {
        "messageStatus": word,
        "eventTimestamp": int(_MILLISECONDS),
        "messageId": _PROVIDER,
        "isFinal": word not in SENT,
        "totalMessagePrice": float(_PRICE),
        "totalCarrierFee": float(CARRIER_FEE_USD),
    }
    if not on_bus:
        detail["context"] = {"message_id": _MESSAGE, "stack": STACK}
    return json.dumps(event)


def _whatsapp(word: str, on_bus: bool) -> str:
    status, errors = ("failed", [{"code": int(word)}]) if word.isdigit() else (word, [])
    if on_bus:
        event = golden.load(f"whatsapp/bus-{status}").event
        fields = {"status": status, "errors": errors, "eventTimestamp": _SECONDS, "messageId": _PROVIDER}
        event["detail"] |= fields
        return json.dumps(event)
    event = golden.load("whatsapp/topic-sent").event
    entry = json.loads(event["whatsAppWebhookEntry"])
    entry["changes"][0]["value"]["statuses"][0] |= {
        "status": status,
        "errors": errors,
        "timestamp": _SECONDS,
        "biz_opaque_callback_data": callback_data(STACK, _MESSAGE),
    }
    return json.dumps(event | {"whatsAppWebhookEntry": json.dumps(entry)})


def _email(name: str, on_bus: bool) -> str:
    event = golden.load(f"email/{'bus' if on_bus else 'topic'}-{name}").event
    record = event["detail"] if on_bus else event
    for section in record.values():
        if isinstance(section, dict) and "timestamp" in section:
            section["timestamp"] = _ISO
    record["mail"] |= {"messageId": _PROVIDER, "tags": {"message_id": [_MESSAGE], "stack": [STACK]}}
    return json.dumps(event)
