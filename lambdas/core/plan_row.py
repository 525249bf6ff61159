"""Planning one recipient: where its message goes, what it says and costs, or why there is none.

A row depends on nothing but itself and the campaign's rules; what depends on other rows (duplicates, numbers, totals)
is `plan`.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from lambdas.core.addresses import Destination, NoDestination, destination_of
from lambdas.core.campaign_request import CampaignRequest, Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import (
    MAX_SUBJECT_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_WHATSAPP_CHARACTERS,
    Content,
    lacks,
)
from lambdas.core.countries import allowed_countries
from lambdas.core.parts import count_parts
from lambdas.core.planned_row import PlannedRow
from lambdas.core.prices import LIST_PRICES, PriceList
from lambdas.core.send_options import USUAL_OPTIONS, SendOptions
from lambdas.core.templates import TemplateBook, template_of
from lambdas.core.zones import NO_WINDOW, LaneZones


class Exclusion(StrEnum):
    """Why a recipient will get nothing."""

    INVALID_ROW = "invalid_row"
    INVALID_NUMBER = "invalid_number"
    INVALID_EMAIL = "invalid_email"
    DUPLICATE = "duplicate"
    OPTED_OUT = "opted_out"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    CHANNEL_NOT_AVAILABLE = "channel_not_available"
    MISSING_VARIABLE = "missing_variable"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    OVER_PRICE_LIMIT = "over_price_limit"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    INVALID_TEMPLATE = "invalid_template"


class ExcludedRow(NamedTuple):
    """A recipient left out; `row` is its place as the caller counts (`Recipient.row`)."""

    row: int
    reason: Exclusion
    detail: str = ""
    customer_id: str = ""


Row = Recipient | ExcludedRow
"""A row of an audience, or that it could not be read."""


class RowRules(NamedTuple):
    """What a campaign asks of every row: the `channels` that the stack has, the dearest message in US dollars, what
    messages cost, in which zone's send window the row waits, the countries whose numbers may be written to (None:
    all), what may follow messages that do not arrive, and what is known of the providers' templates (None: nobody
    looks)."""

    channels: Collection[str]
    max_price_usd: float | None = None
    prices: PriceList = LIST_PRICES
    zones: LaneZones = NO_WINDOW
    countries: Collection[str] | None = None
    options: SendOptions = USUAL_OPTIONS
    templates: TemplateBook | None = None


def rules_of(
    request: CampaignRequest,
    channels: Collection[str],
    prices: PriceList,
    made_ms: int,
    *,
    templates: TemplateBook,
    countries: str = "",
) -> RowRules:
    """The rules of a campaign made at `made_ms` (epoch) over the `channels` that the stack has, at its `prices`, in the
    `countries` that it allows (as `countries_to_text` writes them)."""
    options = request.options
    zones = LaneZones(options.window, options.start_ms or made_ms)
    allowed = allowed_countries(countries, options.allowed_countries)
    return RowRules(channels, options.max_price_usd, prices, zones, allowed, options, templates)


def locate(recipient: Recipient, rules: RowRules) -> Destination | ExcludedRow:
    """Where a recipient's message goes, or why it cannot go anywhere."""
    if recipient.channel not in rules.channels:
        return _excluded(recipient, Exclusion.CHANNEL_NOT_AVAILABLE, recipient.channel)
    found = destination_of(recipient.channel, recipient.address)
    if isinstance(found, NoDestination):
        wrong = Exclusion.INVALID_EMAIL if recipient.channel is Channel.EMAIL else Exclusion.INVALID_NUMBER
        return _excluded(recipient, wrong, found.flaw)
    if recipient.channel is not Channel.EMAIL and rules.countries is not None and found.country not in rules.countries:
        return _excluded(recipient, Exclusion.COUNTRY_NOT_ALLOWED, found.country)
    return found


def check_template(recipient: Recipient, templates: TemplateBook) -> ExcludedRow | None:
    """Why no message for a recipient can be made of the template at the provider that it names; None if it can be."""
    channel, content = recipient.channel, recipient.content
    if flaw := templates.flaw(channel, content):
        return _excluded(recipient, Exclusion.INVALID_TEMPLATE, flaw)
    if missing := templates.missing(channel, content, recipient.variables):
        names = ", ".join(missing)
        return _excluded(recipient, Exclusion.MISSING_VARIABLE, f"{names} (of {template_of(channel, content)})")
    return None


def render(
    recipient: Recipient,
    destination: Destination,
    row: int,
    max_price_usd: float | None,
    prices: PriceList = LIST_PRICES,
) -> PlannedRow | ExcludedRow:
    """The message for one recipient, counted and priced, or why there is none."""
    if missing := recipient.content.missing(recipient.variables):
        return _excluded(recipient, Exclusion.MISSING_VARIABLE, ", ".join(missing))
    longest = max(recipient.content.rendered_lengths(recipient.variables))
    if longest > MAX_TEXT_CHARACTERS:
        return _excluded(recipient, Exclusion.TOO_LONG, f"{longest} characters")
    content = recipient.content.render(recipient.variables)
    if lacking := lacks(recipient.channel, content):
        return _excluded(recipient, Exclusion.EMPTY, lacking)
    parts, problem = _measure(recipient.channel, content)
    if problem:
        return _excluded(recipient, Exclusion.TOO_LONG, problem)
    fee = prices.price(recipient.channel, country=destination.country, template=content.template is not None)
    price = fee.total_usd * parts
    limit = None if max_price_usd is None else Decimal(str(max_price_usd))
    if limit is not None and price > limit:
        return _excluded(recipient, Exclusion.OVER_PRICE_LIMIT, f"{price} USD")
    return PlannedRow(
        row,
        recipient.customer_id,
        recipient.channel,
        destination.address,
        destination.country,
        content,
        parts,
        price,
        prices.highest_usd(recipient.channel, price, limit),
    )


def _excluded(recipient: Recipient, reason: Exclusion, detail: str = "") -> ExcludedRow:
    return ExcludedRow(recipient.row, reason, detail, recipient.customer_id)


def _measure(channel: Channel, content: Content) -> tuple[int, str]:
    """Parts of a rendered message, and what is wrong with its length."""
    if channel is Channel.SMS:
        counted = count_parts(content.body)
        return counted.parts, f"{counted.units} {counted.encoding} units" if counted.too_long else ""
    if channel is Channel.WHATSAPP:
        texts = (content.body, *(content.template.parameters if content.template else ()))
        longest = max(map(len, texts))
        return 1, f"{longest} characters" if longest > MAX_WHATSAPP_CHARACTERS else ""
    if len(content.subject) > MAX_SUBJECT_CHARACTERS:
        return 1, f"a subject of {len(content.subject)} characters"
    longest = max(len(content.body), len(content.html))
    return 1, f"{longest} characters" if longest > MAX_TEXT_CHARACTERS else ""
