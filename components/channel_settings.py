"""Settings of the channels: from whom SMS, WhatsApp and email leave, and how fast."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from components.pumping_settings import Country, PumpingGuardSettings
from lambdas.core.countries import countries_to_text

EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeywordSettings(_Settings):
    """What AWS answers when somebody sends a keyword to the number."""

    message: str = Field(min_length=1, max_length=1600, description="the answer")
    action: Literal["AUTOMATIC_RESPONSE", "OPT_OUT", "OPT_IN"] | None = Field(
        default=None, description="what else happens; AWS fixes it for HELP and STOP, so leave it out there"
    )


Keyword = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9 _-]{0,29}$")]
"""AWS keeps keywords in upper case, 1-30 characters (End User Messaging SMS user guide, "Keywords")."""


class PhoneNumberSettings(_Settings):
    """An origination number to request; it is billed every month from the day it is requested."""

    iso_country_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(description="country, ISO 3166")
    number_type: Literal["SIMULATOR", "LONG_CODE", "TOLL_FREE", "TEN_DLC"] = Field(description="kind of number")
    pool: bool = Field(default=False, description="send from a pool around the number, to which others can be added")
    own_opt_out_list: bool = Field(default=False, description="an opt-out list of this stack instead of the account's")
    keywords: dict[Keyword, KeywordSettings] = Field(
        default_factory=dict, max_length=30, description="answers to keywords such as HELP, STOP and START"
    )


class SmsSettings(_Settings):
    """How SMS leaves: from which origination identity and how fast.

    The identity is one of three: none (AWS picks one of the account's), an existing one by id or ARN, or a phone
    number to request. Rates default to what a new account is granted.
    """

    origination_identity: (
        Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{1,18}|[A-Za-z0-9_:/-]{1,256})$")] | None
    ) = Field(default=None, description="existing phone number, phone-number id, pool id, sender id, or the ARN of one")
    phone_number: PhoneNumberSettings | None = Field(default=None, description="a number to request instead")
    parts_per_second: float = Field(
        default=1.0, gt=0, le=10_000, description="message parts per second of the identity"
    )
    requests_per_second: float = Field(
        default=1.0, gt=0, le=10_000, description="the account's SendTextMessage quota in this region"
    )
    message_type: Literal["TRANSACTIONAL", "PROMOTIONAL"] = Field(default="TRANSACTIONAL", description="default type")
    monthly_spend_usd: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="the account's SMS spend limit of a month, for forecasts; 0 where it does not matter",
    )
    allowed_countries: tuple[Country, ...] = Field(
        default=(), description="countries whose numbers may be written to, on WhatsApp too; production names them"
    )
    pumping_guard: PumpingGuardSettings = Field(
        default=PumpingGuardSettings(), description="protection against SMS pumping"
    )

    @property
    def countries_text(self) -> str:
        """The allowed countries as functions take them."""
        return countries_to_text(self.allowed_countries)

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if self.origination_identity is not None and self.phone_number is not None:
            raise ValueError("give origination_identity (an existing one) or phone_number (a new one), not both")
        return self


class WhatsAppSettings(_Settings):
    """WhatsApp's phone number; AWS links business accounts and numbers in its console only."""

    phone_number_id: Annotated[str, StringConstraints(pattern=r"^phone-number-id-[0-9a-zA-Z]{1,64}$")] = Field(
        description="what messages are sent from, as GetLinkedWhatsAppBusinessAccountPhoneNumber names it"
    )
    business_account_id: Annotated[str, StringConstraints(pattern=r"^waba-[0-9a-zA-Z]{1,64}$")] = Field(
        description="the business account that the number belongs to"
    )
    messages_per_second: float = Field(default=80.0, gt=0, le=1_000, description="throughput Meta grants the number")
    requests_per_second: float = Field(
        default=1_000.0, gt=0, le=10_000, description="the account's SendWhatsAppMessage quota in this region"
    )


class EmailSettings(_Settings):
    """How email leaves: from whom and how fast. Rates default to what SES's sandbox grants."""

    sender: EmailAddress = Field(description="the From address")
    identity: Annotated[str, StringConstraints(pattern=r"^([^@\s]+@)?[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")] = Field(
        description="verified identity that covers the sender: its domain, or the address itself"
    )
    create_identity: bool = Field(default=False, description="create the identity; DNS records or a click verify it")
    messages_per_second: float = Field(default=1.0, gt=0, le=10_000, description="the account's sending rate")
    daily_quota: int = Field(
        default=0, ge=0, description="messages the account may send in 24 hours, for forecasts; 0 without a bound"
    )

    @model_validator(mode="after")
    def _identity_covers_sender(self) -> Self:
        domain = self.sender.rpartition("@")[2].lower()
        covering = self.identity.lower()
        if covering != self.sender.lower() and domain != covering and not domain.endswith(f".{covering}"):
            raise ValueError(f"the identity {self.identity} does not cover the sender {self.sender}")
        return self
