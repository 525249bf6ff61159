"""How the messages of a request are sent: its `options`, read and checked, each with what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.core.chain_terms import MAX_RETRIES
from lambdas.core.countries import parse_countries
from lambdas.core.schedule import parse_send_at
from lambdas.core.send_window import SendWindow, parse_send_window

LEAST_USD = 0.00001
"""The smallest amount that SendTextMessage's MaxPrice can express."""
MIN_FALLBACK_SECONDS = 10
MAX_FALLBACK_SECONDS = 86_400
"""Of `fallback_after_seconds`: receipts take seconds, and after a day nobody waits for the message any more."""
MESSAGE_TYPES = ("TRANSACTIONAL", "PROMOTIONAL")


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How the messages of a request are sent: money in US dollars, `max_price_usd` per message with all its legs,
    validity in seconds. The next channel is taken `fallback_after_seconds` after a message that has not been delivered,
    and the same one tried again up to `retries` times after a failure that asks for it.

    A campaign starts at `start_ms` (epoch, None for at once), sends within `window` alone, and pauses when more than
    `pause_error_rate` of its latest messages fail (1 for never, None where the stack's default applies).
    """

    message_type: str = "TRANSACTIONAL"
    max_price_usd: float | None = None
    validity_seconds: int | None = None
    spend_cap_usd: float | None = None
    start_ms: int | None = None
    window: SendWindow | None = None
    pause_error_rate: float | None = None
    allowed_countries: tuple[str, ...] | None = None
    fallback_after_seconds: int | None = None
    retries: int = 0


USUAL_OPTIONS = SendOptions()
"""Of a request that says nothing about them."""


def price_text(usd: float | None) -> str | None:
    """A highest price as SendTextMessage's MaxPrice takes it."""
    return None if usd is None else f"{usd:.5f}"


def parse_number(value: object, name: str, least: float, most: float, problems: list[str]) -> float | None:
    """A number within bounds; adds to `problems` and returns None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        problems.append(f"{name} must be a number from {least:g} to {most:g}")
        return None
    return float(value)


def parse_options(options: object, known: frozenset[str], problems: list[str]) -> SendOptions:
    """Read `options`, of which a request takes the `known` ones; adds to `problems`."""
    if not isinstance(options, dict):
        problems.append("options must be an object")
        options = {}
    problems.extend(f"options.{name} is not an option" for name in sorted(set(options) - known))
    message_type = options.get("message_type", "TRANSACTIONAL")
    if message_type not in MESSAGE_TYPES:
        problems.append(f"options.message_type must be one of {', '.join(MESSAGE_TYPES)}")
    money = {
        name: None
        if options.get(name) is None
        else parse_number(options[name], f"options.{name}", LEAST_USD, most, problems)
        for name, most in (("spend_cap_usd", 1e6), ("max_price_usd", 99.99999))
    }
    start, window, pause_rate = _life(options, problems)
    countries = parse_countries(options.get("allowed_countries"), "options.allowed_countries", problems)
    return SendOptions(
        message_type,
        money["max_price_usd"],
        _whole_option(options, "validity_seconds", 5, 259_200, problems),
        money["spend_cap_usd"],
        start,
        window,
        pause_rate,
        countries,
        _whole_option(options, "fallback_after_seconds", MIN_FALLBACK_SECONDS, MAX_FALLBACK_SECONDS, problems),
        _whole_option(options, "retries", 0, MAX_RETRIES, problems) or 0,
    )


def _life(options: Mapping[str, Any], problems: list[str]) -> tuple[int | None, SendWindow | None, float | None]:
    """When a campaign sends, and what makes it pause."""
    start = window = rate = None
    if options.get("send_at") is not None:
        start = parse_send_at(options["send_at"], "options.send_at", problems)
    if options.get("send_window") is not None:
        window = parse_send_window(options["send_window"], "options.send_window", problems)
    if "pause_error_rate" in options:
        never = options["pause_error_rate"] is None
        rate = 1.0 if never else parse_number(options["pause_error_rate"], "options.pause_error_rate", 0, 1, problems)
    return start, window, rate


def _whole_option(options: Mapping[str, Any], name: str, least: int, most: int, problems: list[str]) -> int | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        problems.append(f"options.{name} must be a whole number from {least} to {most}")
        return None
    return value
