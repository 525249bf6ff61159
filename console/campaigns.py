"""Test campaigns: checked input, simulator recipients only, and the guard before any write."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from itertools import chain, cycle, repeat
from typing import Any

from console.domain import CampaignRequest, ConsoleError, ProblemKind, StackFacts
from console.text import safe_line
from lambdas.core.campaign_request import MAX_INLINE_RECIPIENTS, MAX_TPS
from lambdas.core.simulator import FAILURE_BY_COUNTRY, SUCCESS_BY_COUNTRY

DEFAULT_BODY = "Hello from the test campaign. Nobody receives this: it goes to a simulator number."
MAX_BODY_CHARACTERS = 1530
"""Ten concatenated GSM-7 parts: the most that carriers put together again."""
FAILURE_EVERY = 20
"""Each 20th recipient is a number that always fails, so that a test shows both ends."""
PROD = "prod"
LOCAL = "local"
HOME_COUNTRY = "US"
"""A simulator origination number exists in the US only and reaches simulator destinations of its own country."""


def make_request(recipients: object, tps: object, body: str | None = None) -> CampaignRequest:
    """A checked request with a fresh Idempotency-Key; raises `ConsoleError` naming the field and its limits."""
    return CampaignRequest(
        recipients=parse_recipients(recipients),
        tps=parse_tps(tps),
        body=parse_body(DEFAULT_BODY if body is None else body),
        key=f"console-{secrets.token_hex(12)}",
    )


def parse_recipients(value: object) -> int:
    """A whole number of recipients from 1 to what one request may carry."""
    try:
        number = int(str(value).strip())
    except ValueError:
        number = 0
    if not 1 <= number <= MAX_INLINE_RECIPIENTS:
        raise _bad(f"recipients is {safe_line(value, 40)}", f"give a whole number from 1 to {MAX_INLINE_RECIPIENTS}")
    return number


def parse_tps(value: object) -> float:
    """Messages per second, above 0."""
    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 < number <= MAX_TPS):
        raise _bad(f"TPS is {safe_line(value, 40)}", f"give messages per second above 0 and at most {MAX_TPS:g}")
    return number


def parse_body(value: str) -> str:
    """The text of the message."""
    if not value.strip():
        raise _bad("the body is empty", "give the message a text")
    if len(value) > MAX_BODY_CHARACTERS:
        raise _bad(f"the body has {len(value)} characters", f"at most {MAX_BODY_CHARACTERS} fit a message")
    return value


def parse_seconds(value: object) -> float:
    """A wait in seconds, 0 to a day."""
    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 <= number <= 86_400):
        raise _bad(f"the wait is {safe_line(value, 40)}", "give seconds from 0 to 86400")
    return number


def _bad(sentence: str, remedy: str) -> ConsoleError:
    return ConsoleError(ProblemKind.BAD_INPUT, sentence, remedy)


def audience(recipients: int, environment: str) -> list[dict[str, str]]:
    """`eligible_users` of a test campaign: simulator numbers only, each 20th one that always fails.

    The US alone outside the environment `local`; there, each fourth recipient is in one of the other countries.
    """
    local = environment == LOCAL
    good, bad = _countries(SUCCESS_BY_COUNTRY, local), _countries(FAILURE_BY_COUNTRY, local)
    phones = [next(bad) if (place + 1) % FAILURE_EVERY == 0 else next(good) for place in range(recipients)]
    return [
        {"customer_id": f"test-{place:05d}", "selected_channel": "sms", "phone": phone}
        for place, phone in enumerate(phones)
    ]


def _countries(by_country: Mapping[str, str], abroad_too: bool) -> Iterator[str]:
    home = by_country[HOME_COUNTRY]
    abroad = [number for country, number in by_country.items() if country != HOME_COUNTRY]
    return chain.from_iterable((home, home, home, other) for other in cycle(abroad)) if abroad_too else repeat(home)


def document(request: CampaignRequest, environment: str, *, dry_run: bool) -> dict[str, Any]:
    """The body of `POST /api/send-campaign`."""
    return {
        "eligible_users": audience(request.recipients, environment),
        "body": request.body,
        "throughput_tps": request.tps,
        **({"dry_run": True} if dry_run else {}),
    }


def require_actions(stack: StackFacts) -> None:
    """Refuse a write on a read-only console."""
    if not stack.actions_allowed:
        raise ConsoleError(
            ProblemKind.FORBIDDEN,
            f"this console is read-only on {stack.stack}",
            "start it with --allow-actions to act on the stack",
        )


def confirmation_word(stack: StackFacts) -> str | None:
    """What must be typed before a write: the stack's name in production, nothing elsewhere."""
    return stack.stack if stack.environment == PROD else None
