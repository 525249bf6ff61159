"""`GET /api/messages/{id}/timeline`: a message with every retry and fallback leg, single or of a campaign."""

from __future__ import annotations

from collections.abc import Callable

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.chains import ChainTable, StoredChain
from lambdas.adapters.orders import Orders
from lambdas.campaign_api.answers import Answer, ApiError
from lambdas.core import keys
from lambdas.core.chain_terms import chain_of
from lambdas.core.message_order import MESSAGE_ID
from lambdas.core.timeline import LegRecord, timeline


class TimelineService:
    """Shows chains."""

    def __init__(self, chains: ChainTable, campaigns: CampaignTable, orders: Orders, now_ms: Callable[[], int]) -> None:
        self._chains = chains
        self._campaigns = campaigns
        self._orders = orders
        self._now_ms = now_ms

    def show(self, message_id: str) -> Answer:
        """200 with the whole chain, whichever of its legs is asked for."""
        chain_id = chain_of(message_id)
        if not MESSAGE_ID.fullmatch(message_id):
            raise _unknown(message_id)
        stored = self._chains.find(chain_id)
        if stored is None:
            return self._before_its_row(chain_id)
        records = [_record(stored, number) for number in range(len(stored.rows))]
        root = stored.root
        about = {"campaign_id": root.campaign_id or None, "customer_id": root.customer_id}
        return Answer(200, {**timeline(stored.chain, records, self._now_ms()), **about})

    def _before_its_row(self, chain_id: str) -> Answer:
        """A message that nobody has begun to send is queued, or was left out by its campaign."""
        known = self._orders.find(chain_id)
        if known is not None:
            return _without_row(chain_id, None, "queued", "it waits for its turn")
        place = keys.campaign_row(chain_id)
        summary = self._campaigns.summary(place[0]) if place else None
        if place is None or summary is None or place[1] >= summary.recipients:
            raise _unknown(chain_id)
        claimed = any(place[1] in lane.claimed for lane in summary.lanes)
        if not claimed:
            why = f"it waits for its turn; the campaign is {summary.status.value}"
            return _without_row(chain_id, summary.id, "queued", why)
        why = "its recipient had opted out when its turn came, or the campaign ended before it was sent"
        return _without_row(chain_id, summary.id, "not_sent", why)


def _without_row(message_id: str, campaign_id: str | None, status: str, why: str) -> Answer:
    return Answer(
        200,
        {"message_id": message_id, "campaign_id": campaign_id, "status": status, "explanation": why, "legs": []},
    )


def _record(stored: StoredChain, number: int) -> LegRecord | None:
    row, leg = stored.rows[number], stored.chain.legs[number]
    if row is None or leg is None:
        return None
    return LegRecord(row.channel, row.destination, row.country, row.parts, row.estimate_usd, leg)


def _unknown(message_id: str) -> ApiError:
    return ApiError(404, "unknown_message", f"there is no message {message_id[:64]}")
