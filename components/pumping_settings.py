"""Settings of the guard against SMS pumping."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lambdas.core.pumping_guard import GuardLimits

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166 alpha-2."""
ASK_FOR_COUNTRIES = "sms.allowed_countries, the countries whose numbers may be written to, such as [US]"
"""What a stack that has to name its countries is told."""


class PumpingGuardSettings(BaseModel):
    """When single messages are taken for SMS pumping; why these figures is said in `lambdas/core/pumping_guard.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="refuse single messages that look like pumping")
    numbers: int = Field(
        default=15, ge=5, le=50, description="different numbers of one range, or of an unusual country, in a window"
    )
    window_minutes: int = Field(default=10, ge=1, le=60, description="length of the window")
    block_minutes: int = Field(default=60, ge=1, le=1_440, description="how long the first block lasts")
    usual_countries: tuple[Country, ...] = Field(
        default=(), description="countries that are usual, whatever was sent of late"
    )
    messages_per_hour: int = Field(default=20, ge=5, le=500, description="messages to one number within an hour")
    messages_per_day: int = Field(default=40, ge=5, le=500, description="messages to one number within a day")
    campaigns: bool = Field(default=True, description="pause campaigns whose audience somebody has counted up")

    @property
    def limits(self) -> GuardLimits:
        """As the message sender takes them."""
        return GuardLimits(
            self.enabled,
            self.numbers,
            self.window_minutes * 60,
            self.block_minutes * 60,
            self.usual_countries,
            self.messages_per_hour,
            self.messages_per_day,
        )
