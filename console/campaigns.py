"""Campaigns as people ask for them: checked input, simulator recipients only, and the guard before any write."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count, cycle, repeat
from typing import Any

from console.domain import CampaignChange, CampaignRequest, ChangeKind, ConsoleError, ProblemKind, StackFacts
from console.text import safe_line
from lambdas.core.campaign import CampaignStatus
from lambdas.core.campaign_request import CAMPAIGN_ID, MAX_INLINE_RECIPIENTS, MAX_TPS
from lambdas.core.channels import Channel
from lambdas.core.simulator import FAILURE_BY_COUNTRY, MAILBOXES, SUCCESS_BY_COUNTRY

DEFAULT_BODY = "Hello from the test campaign. Nobody receives this: it goes to a simulator."
SUBJECT = "Test campaign"
MAX_BODY_CHARACTERS = 1530
"""Ten concatenated GSM-7 parts: the most that carriers put together again."""
FAILURE_EVERY = 20
"""Each 20th recipient is a number that always fails, so that a test shows both ends."""
PROD = "prod"
LOCAL = "local"
TARGETS: Mapping[ChangeKind, CampaignStatus] = {
    ChangeKind.PAUSE: CampaignStatus.PAUSED,
    ChangeKind.HOLD: CampaignStatus.PAUSED,
    ChangeKind.RESUME: CampaignStatus.RUNNING,
    ChangeKind.CANCEL: CampaignStatus.CANCELLED,
}
"""The status that a change leads to."""
HOME_COUNTRY = "US"
"""A simulator origination number exists in the US only and reaches simulator destinations of its own country."""


def make_request(
    recipients: object, tps: object, body: str | None = None, channels: str = Channel.SMS.value
) -> CampaignRequest:
    """A checked request with a fresh Idempotency-Key; raises `ConsoleError` naming the field and its limits."""
    return CampaignRequest(
        recipients=parse_recipients(recipients),
        tps=parse_tps(tps),
        body=parse_body(DEFAULT_BODY if body is None else body),
        key=new_key(),
        channels=parse_channels(channels),
    )


def new_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return f"console-{secrets.token_hex(12)}"


def parse_recipients(value: object) -> int:
    """A whole number of recipients from 1 to what one request may carry."""
    if value is None:
        raise _bad("no recipients are named", "give --recipients N, or --audience FILE")
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


def parse_channels(value: str) -> tuple[str, ...]:
    """Names of channels between commas, in the product's order."""
    names = [name.strip().lower() for name in value.split(",")]
    if unknown := [name for name in names if name not in tuple(Channel)]:
        raise _bad(
            f"{safe_line(unknown[0], 40) or 'nothing'} is no channel", f"give one or more of {','.join(Channel)}"
        )
    return tuple(channel.value for channel in Channel if channel in names)


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


def audience(recipients: int, environment: str, channels: Sequence[str] = (Channel.SMS,)) -> list[dict[str, str]]:
    """`eligible_users` of a test campaign: simulator destinations only, each 20th of a channel one that always fails.

    Numbers of the US alone outside the environment `local`; there, each fourth one is in another country.
    """
    if Channel.WHATSAPP in channels and environment != LOCAL:
        raise _bad("AWS has no simulator for WhatsApp", "leave whatsapp out of a test campaign outside a local stack")
    addresses = {channel: _addresses(channel, environment == LOCAL) for channel in channels}
    return [
        {"customer_id": f"test-{place:05d}", "selected_channel": channel, **next(addresses[channel])}
        for place, channel in zip(range(recipients), cycle(channels), strict=False)
    ]


def _addresses(channel: str, abroad_too: bool) -> Iterator[dict[str, str]]:
    """Destinations of one channel, without end."""
    good, bad = _countries(SUCCESS_BY_COUNTRY, abroad_too), _countries(FAILURE_BY_COUNTRY, abroad_too)
    for place in count(1):
        fails = place % FAILURE_EVERY == 0
        if channel == Channel.EMAIL:
            name, _, domain = MAILBOXES["bounce" if fails else "success"].partition("@")
            yield {"email": f"{name}+{place}@{domain}"}
        else:
            yield {"phone": next(bad if fails else good)}


def _countries(by_country: Mapping[str, str], abroad_too: bool) -> Iterator[str]:
    home = by_country[HOME_COUNTRY]
    abroad = [number for country, number in by_country.items() if country != HOME_COUNTRY]
    return chain.from_iterable((home, home, home, other) for other in cycle(abroad)) if abroad_too else repeat(home)


def document(request: CampaignRequest, environment: str, *, dry_run: bool) -> dict[str, Any]:
    """The body of `POST /api/send-campaign`."""
    return {
        "eligible_users": audience(request.recipients, environment, request.channels),
        "body": request.body,
        "throughput_tps": request.tps,
        **({"content": {"email": {"subject": SUBJECT}}} if Channel.EMAIL in request.channels else {}),
        **({"dry_run": True} if dry_run else {}),
    }


def make_change(kind: str, tps: object = None) -> CampaignChange:
    """A checked change; raises `ConsoleError` naming what is wrong with the pace."""
    wanted = ChangeKind(kind)
    return CampaignChange(wanted, parse_tps(tps) if wanted is ChangeKind.TPS else None)


def change_document(change: CampaignChange) -> dict[str, Any]:
    """The body of `PATCH /api/campaigns/{id}`, without the version."""
    return {"throughput_tps": change.tps} if change.tps is not None else {"status": TARGETS[change.kind].value}


def parse_campaign_id(value: str) -> str:
    """An id as campaigns have them: letters, digits, `_` and `-`."""
    if not CAMPAIGN_ID.fullmatch(value):
        raise _bad(f"{safe_line(value, 60)!r} is no campaign id", "`cpaas-console campaign list` shows them")
    return value


def require_actions(stack: StackFacts) -> None:
    """Refuse a write on a read-only console."""
    if stack.replayed:
        raise ConsoleError(
            ProblemKind.FORBIDDEN, "this is a replay: nothing can be done in it", "connect to the stack itself"
        )
    if not stack.actions_allowed:
        raise ConsoleError(
            ProblemKind.FORBIDDEN,
            f"this console is read-only on {stack.stack}",
            "start it with --allow-actions to act on the stack",
        )


def require_confirmed(stack: StackFacts, confirm: str | None) -> None:
    """Refuse a write that was not asked for clearly: on a read-only console, or in production without its name."""
    require_actions(stack)
    word = confirmation_word(stack)
    if word is not None and confirm != word:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{stack.stack} is production", f"repeat its name: --confirm {stack.stack}"
        )


def confirmation_word(stack: StackFacts) -> str | None:
    """What must be typed before a write: the stack's name in production, nothing elsewhere."""
    return stack.stack if stack.environment == PROD else None
