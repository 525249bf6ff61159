"""Prices as data: what a message costs, with the date, the source and how far the figure can be trusted.

Actual prices come with each delivery receipt of SMS; these serve estimates, reservations and caps, and what is booked
for WhatsApp and email, whose receipts name no amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lambdas.core.channels import Channel


class Confidence(StrEnum):
    """How far a price can be trusted: `sample` is a figure printed in AWS's documentation, no list price; `guess` is
    the highest of those figures, for countries without one of their own, which may well cost more."""

    LIST = "list"
    SAMPLE = "sample"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Price:
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
