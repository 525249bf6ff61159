"""Prices as data: what a message part costs, with the date, the source and how far the figure can be trusted.

Actual prices come with each delivery receipt; these serve estimates, reservations and caps.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Confidence(StrEnum):
    """How far a price can be trusted: `sample` is a figure printed in AWS's documentation, no list price; `guess` is
    the highest of those figures, for countries without one of their own, which may well cost more."""

    LIST = "list"
    SAMPLE = "sample"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per message part: the provider's fee and the carrier's fee."""

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
