"""Messages of a made-up stack: every row of its campaigns, by the page, with a chain of legs behind each."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from console.clock import Clock
from console.domain import ConsoleError, Message, ProblemKind
from console.sources.base import Document
from console.telemetry import MessagePage, MessageSearch
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.chain_terms import Cause, ChainTerms, Decision, chain_of
from lambdas.core.chains import Chain, Leg
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.timeline import LegRecord, timeline

RECEIPT_SECONDS = 1.2
FAILS_EVERY = 20
PRICE_USD = 0.00881
REASON = "CARRIER_UNREACHABLE"
PAGE_ROWS = 200
CUSTOMER = "test-"
TERMS = ChainTerms(channels=("sms", "whatsapp"), fallback_after_s=600, retries=0)
SENT_MS, DECIDED_MS, READ_MS = 40, 50, 9_000


class FakeRecords:
    """Records of the campaigns that `campaigns` tells; `ask` precedes every answer and may raise."""

    def __init__(
        self, clock: Clock, ask: Callable[[str], None], campaigns: Callable[[], tuple[CampaignSummary, ...]]
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._campaigns = campaigns

    def search(self, wanted: MessageSearch, cursor: str | None = None) -> MessagePage:
        """Rows from the newest; the cursor is the row after which to go on."""
        self._ask("dynamodb:BatchGetItem")
        if wanted.campaign_id:
            return self._of_campaign(self._campaign(wanted.campaign_id), cursor)
        if wanted.customer_id:
            row = wanted.customer_id.removeprefix(CUSTOMER)
            places = [(each, int(row)) for each in self._campaigns() if row.isdecimal()]
        else:
            place = keys.campaign_row(wanted.message_id)
            places = [(each, place[1]) for each in self._campaigns() if place and each.id == place[0]]
        now = self._clock.now()
        found = tuple(row_of(campaign, row, now) for campaign, row in places if row < campaign.claimed_rows)
        return MessagePage(found, None, len(found))

    def timeline(self, message_id: str) -> Document:
        """The chain of a row, by the code that the API itself uses: one failure in so many falls back to WhatsApp."""
        self._ask("execute-api:Invoke")
        chain_id = chain_of(message_id)
        place = keys.campaign_row(chain_id)
        found = [each for each in self._campaigns() if place and each.id == place[0] and place[1] < each.claimed_rows]
        if place is None or not found:
            raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no message {message_id}")
        now_ms = int(self._clock.now() * 1000)
        records, decisions = _legs(row_of(found[0], place[1], now_ms / 1000), now_ms)
        legs = tuple(None if record is None else record.leg for record in records)
        about = {"campaign_id": found[0].id, "customer_id": customer_of(place[1])}
        return {**timeline(Chain(chain_id, TERMS, decisions, legs), records, now_ms), **about}

    def _campaign(self, campaign_id: str) -> CampaignSummary:
        for campaign in self._campaigns():
            if campaign.id == campaign_id:
                return campaign
        raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no campaign {campaign_id}")

    def _of_campaign(self, campaign: CampaignSummary, cursor: str | None) -> MessagePage:
        end = campaign.claimed_rows if cursor is None else int(cursor)
        start, now = max(0, end - PAGE_ROWS), self._clock.now()
        found = tuple(row_of(campaign, row, now) for row in range(end - 1, start - 1, -1))
        return MessagePage(found, str(start) if start else None, campaign.claimed_rows)


def customer_of(row: int) -> str:
    """The customer of a row."""
    return f"{CUSTOMER}{row:05d}"


def row_of(campaign: CampaignSummary, row: int, now: float) -> Message:
    """One row as the tracking table would hold it at `now` (epoch seconds)."""
    created = campaign.created_ms + int(1000 * row / campaign.throughput_tps)
    final = int(now * 1000) - created > 1000 * RECEIPT_SECONDS
    fails = (row + 1) % FAILS_EVERY == 0
    status = "sent" if not final else "failed" if fails else "delivered"
    return Message(
        id=keys.message(campaign.id, row),
        customer_id=customer_of(row),
        channel="sms",
        status=status,
        created_ms=created,
        changed_ms=created + int(1000 * RECEIPT_SECONDS) if final else created,
        cost_usd=PRICE_USD,
        reason=REASON if status == "failed" else "",
    )


def _legs(message: Message, now_ms: int) -> tuple[list[LegRecord | None], tuple[Decision, ...]]:
    """The legs of a row and what was decided between them, as far as `now_ms` (epoch) has come."""
    final_ms = message.created_ms + int(1000 * RECEIPT_SECONDS)
    if message.status != "failed":
        arrived = StatusEvent(Status.DELIVERED, final_ms, price_usd=Decimal(str(PRICE_USD)))
        return [_leg("sms", message.created_ms, now_ms, arrived)], ()
    first = _leg("sms", message.created_ms, now_ms, StatusEvent(Status.FAILED, final_ms, code=REASON))
    at_ms = final_ms + DECIDED_MS
    if now_ms < at_ms:
        return [first], ()
    begun_ms = at_ms + DECIDED_MS
    second = _leg(
        "whatsapp",
        begun_ms,
        now_ms,
        StatusEvent(Status.DELIVERED, begun_ms + int(2000 * RECEIPT_SECONDS), price_usd=Decimal("0.0111")),
        StatusEvent(Status.READ, begun_ms + READ_MS),
    )
    return [first, second if now_ms >= begun_ms else None], (Decision(1, Cause.FAILED, at_ms, at_ms, REASON),)


def _leg(channel: str, begun_ms: int, now_ms: int, *receipts: StatusEvent) -> LegRecord:
    events = [StatusEvent(Status.SENT, begun_ms + SENT_MS, provider_id=f"{channel}-{begun_ms}"), *receipts]
    state = fold(
        MessageState(Status.SENDING, {Status.SENDING: begun_ms}), (each for each in events if each.at_ms <= now_ms)
    )
    return LegRecord(channel, "+1******0100", "US", 1, Decimal(str(PRICE_USD)), Leg(state, begun_ms))
