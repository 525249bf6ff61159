"""The stack's own prices: what the plan estimates and the caps reserve with, in place of the figures we ship."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lambdas.core.prices import ELSEWHERE, HEADROOM_PERCENT, KINDS

MOST_CHARACTERS = 2_000
"""As JSON, about 140 prices: a function's environment holds 4 KB in all (Lambda quotas)."""

Country = Annotated[str, StringConstraints(pattern=rf"^([A-Z]{{2}}|{ELSEWHERE})$")]
Usd = Annotated[Decimal, Field(gt=0, lt=100, decimal_places=6)]


class PriceSettings(BaseModel):
    """US dollars per message part (per message, outside SMS) by country, carriers' and Meta's fees included.

    `elsewhere` is every country that has no price of its own, and all of email.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date | None = Field(default=None, description="day of the price list, YYYY-MM-DD; required with a price")
    source: Annotated[str, StringConstraints(min_length=3, max_length=120)] | None = Field(
        default=None, description="where the prices are from; required with a price"
    )
    headroom_percent: float = Field(
        default=HEADROOM_PERCENT,
        ge=0,
        le=300,
        description="how much dearer than planned an SMS may be and is still sent; the caps reserve it",
    )
    sms: dict[Country, Usd] = Field(default_factory=dict, description="an SMS part, by country or elsewhere")
    whatsapp: dict[Country, Usd] = Field(default_factory=dict, description="a WhatsApp text, by country or elsewhere")
    whatsapp_template: dict[Country, Usd] = Field(
        default_factory=dict, description="a WhatsApp template, by country or elsewhere"
    )
    email: dict[Country, Usd] = Field(default_factory=dict, description="an email, under elsewhere")

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if any(getattr(self, kind) for kind in KINDS) and (self.as_of is None or self.source is None):
            raise ValueError("prices need as_of (YYYY-MM-DD) and source: say which price list they are from")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (size := len(self.text())) > MOST_CHARACTERS:
            raise ValueError(
                f"prices have {size} characters as JSON, more than {MOST_CHARACTERS}: name the countries you send to, "
                f"and one price for `{ELSEWHERE}`"
            )
        return self

    def text(self) -> str:
        """What `lambdas.core.prices.PriceList.from_text` reads."""
        return self.model_dump_json(exclude_none=True, exclude_defaults=True)
