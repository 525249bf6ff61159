"""Prices as data: what a message costs, with the date, the source and how far the figure can be trusted.

Actual prices come with each delivery receipt of SMS; these serve estimates, reservations and caps, and what is booked
for WhatsApp and email, whose receipts name no amount. A stack's settings replace them by its own (`PriceList`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from lambdas.core.channels import Channel


class Confidence(StrEnum):
    """How far a price can be trusted: `sample` is a figure printed in AWS's documentation, no list price; `guess` is
    the highest of those figures, for countries without one of their own, which may well cost more."""

    LIST = "list"
    SAMPLE = "sample"
    GUESS = "guess"


class Price(NamedTuple):
    """US dollars per message part: the provider's fee, and what it passes on (a carrier's fee, Meta's)."""

    message_usd: Decimal
    carrier_usd: Decimal
    as_of: str
    source: str
    confidence: Confidence

    @property
    def total_usd(self) -> Decimal:
        """What one part is billed in all."""
        return self.message_usd + self.carrier_usd


SMS_BY_COUNTRY: dict[str, Price] = {
    "US": Price(
        Decimal("0.00581"),
        Decimal("0.003"),
        as_of="2024-10-16",
        source="End User Messaging SMS user guide, sample event of 'Monitoring with Amazon EventBridge'",
        confidence=Confidence.SAMPLE,
    ),
}

SMS_ELSEWHERE = Price(
    Decimal("0.09582"),
    Decimal("0"),
    as_of="2026-11-20",
    source="highest price in the sample events of the End User Messaging user guide, 'Messaging events'",
    confidence=Confidence.GUESS,
)


def sms_price(country: str) -> Price:
    """Price of one SMS part to `country` (ISO 3166 alpha-2); countries without a figure of their own get a guess."""
    return SMS_BY_COUNTRY.get(country, SMS_ELSEWHERE)


WHATSAPP_BODY = Price(
    Decimal("0.005"),
    Decimal("0"),
    as_of="2026-11-20",
    source="AWS's fee per message, as commonly quoted; the price list could not be read",
    confidence=Confidence.GUESS,
)

WHATSAPP_TEMPLATE = Price(
    Decimal("0.005"),
    Decimal("0.025"),
    as_of="2026-11-20",
    source="AWS's fee as above, and a marketing template to the US; Meta's fee depends on category and country",
    confidence=Confidence.GUESS,
)

EMAIL = Price(
    Decimal("0.00016"),
    Decimal("0"),
    as_of="2026-07-22",
    source="SES Essentials, the plan of new accounts, first 10 million; AWS Price List as quoted by api-evangelist",
    confidence=Confidence.LIST,
)


def price_of(channel: Channel, *, country: str = "", template: bool = False) -> Price:
    """Price of one message part (one message, outside SMS) of a channel."""
    if channel is Channel.SMS:
        return sms_price(country)
    if channel is Channel.EMAIL:
        return EMAIL
    return WHATSAPP_TEMPLATE if template else WHATSAPP_BODY


ELSEWHERE = "elsewhere"
"""In place of a country: every country without a figure of its own."""
KINDS = ("sms", "whatsapp", "whatsapp_template", "email")
"""What a stack's settings may price: a channel's messages, WhatsApp's templates apart."""
HEADROOM_PERCENT = 25
"""How much dearer than planned an SMS may be and is still sent, unless the stack's settings say otherwise: carriers of
one country ask different fees, and most figures here are samples."""
LEAST_USD = Decimal("0.00001")
"""The step of SendTextMessage's MaxPrice (API reference)."""
HIGHEST_USD = Decimal("99.99999")


@dataclass(frozen=True, slots=True)
class PriceList:
    """What messages cost in one stack: the figures above, except where `own` has one for a kind and country.

    `headroom` is the share of its planned price by which an SMS may turn out dearer; AWS refuses what is dearer still.
    """

    own: Mapping[str, Mapping[str, Price]] = field(default_factory=dict)
    headroom: Decimal = Decimal(HEADROOM_PERCENT) / 100

    @classmethod
    def from_text(cls, text: str) -> PriceList:
        """Read the stack's setting `prices` as JSON; an empty text is the list above as it stands."""
        document = json.loads(text) if text else {}
        own = {
            kind: {
                country: Price(Decimal(usd), Decimal(0), document["as_of"], document["source"], Confidence.LIST)
                for country, usd in document.get(kind, {}).items()
            }
            for kind in KINDS
        }
        return cls(own, Decimal(str(document.get("headroom_percent", HEADROOM_PERCENT))) / 100)

    def price(self, channel: Channel, *, country: str = "", template: bool = False) -> Price:
        """Price of one message part (one message, outside SMS): the country's figure before one for elsewhere, the
        stack's own before ours."""
        kind = "whatsapp_template" if channel is Channel.WHATSAPP and template else channel.value
        own = self.own.get(kind, {})
        if country in own:
            return own[country]
        if channel is Channel.SMS and country in SMS_BY_COUNTRY:
            return SMS_BY_COUNTRY[country]
        return own.get(ELSEWHERE) or price_of(channel, country=country, template=template)

    def highest_usd(self, channel: Channel, planned_usd: Decimal, limit_usd: Decimal | None = None) -> Decimal | None:
        """The most a message planned at `planned_usd` may be charged, in steps of MaxPrice and never over `limit_usd`;
        None where the provider takes no such bound."""
        if channel is not Channel.SMS:
            return None
        highest = min((planned_usd * (1 + self.headroom)).quantize(LEAST_USD, ROUND_UP), HIGHEST_USD)
        return highest if limit_usd is None else min(highest, limit_usd.quantize(LEAST_USD, ROUND_DOWN))


LIST_PRICES = PriceList()
"""The figures above as they stand."""
