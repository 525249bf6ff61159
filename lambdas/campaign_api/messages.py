"""Single messages: `POST /api/messages` and `GET /api/messages/{id}`."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection
from typing import Any

from lambdas.adapters.orders import Orders
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import TrackingTable
from lambdas.campaign_api.answers import Answer, ApiError, Caller
from lambdas.campaign_api.templates import TemplateService
from lambdas.core import keys
from lambdas.core.addresses import NoDestination, destination_of
from lambdas.core.campaign_request import Recipient, RequestError, canonical_hash
from lambdas.core.channels import Channel, Routes
from lambdas.core.countries import allowed_countries
from lambdas.core.message_order import MAX_ORDER_BYTES, MESSAGE_ID, MessageOrder, outbox_body, parse_message_order
from lambdas.core.plan_row import ExcludedRow, render
from lambdas.core.prices import LIST_PRICES, PriceList


class MessageService:
    """Accepts single messages for the outbox, and shows what became of them."""

    def __init__(
        self,
        orders: Orders,
        tracking: TrackingTable,
        outbox: Queue,
        routes: Routes,
        now_ms: Callable[[], int],
        templates: TemplateService,
        prices: PriceList = LIST_PRICES,
        *,
        allowed_countries: str = "",
    ) -> None:
        self._allowed_countries = allowed_countries
        self._orders = orders
        self._tracking = tracking
        self._outbox = outbox
        self._routes = routes
        self._now_ms = now_ms
        self._templates = templates
        self._prices = prices

    def send(self, document: object, caller: Caller) -> Answer:
        """202 with the message's id; the same key and body get the same answer, another body 409."""
        try:
            order = parse_message_order(document)
        except RequestError as error:
            raise ApiError(400, "invalid_request", str(error), problems=error.problems) from error
        assert isinstance(document, dict)
        self._check(order)
        if (size := len(json.dumps(document))) > MAX_ORDER_BYTES:
            raise ApiError(413, "too_large", f"the message has {size} bytes as JSON, more than {MAX_ORDER_BYTES}")
        body_hash = canonical_hash(document)
        message_id = _message_id(order, caller)
        known = self._orders.remember(message_id, body_hash, self._now_ms())
        if known is not None and known.body_hash != body_hash:
            raise ApiError(
                409,
                "key_reused",
                f"{message_id} was ordered with another body; use a new message_id or Idempotency-Key",
                url=_url(message_id),
            )
        ordered_at_ms = known.ordered_at_ms if known else self._now_ms()
        self._outbox.send(
            outbox_body(document, message_id=message_id, ordered_at_ms=ordered_at_ms),
            group=keys.customer_tag(order.recipient.customer_id),
        )
        return Answer(
            202,
            {"message_id": message_id, "status": "queued", "url": _url(message_id)},
            {"Location": _url(message_id)},
        )

    def _check(self, order: MessageOrder) -> None:
        """Refuse now what the sender could only fail later."""
        countries = allowed_countries(self._allowed_countries, order.options.allowed_countries)
        for choice in order.recipient.choices:
            self._check_on_channel(choice, countries, order.options.max_price_usd)
        self._templates.require_of_message(order.recipient.choices)

    def _check_on_channel(
        self, choice: Recipient, countries: Collection[str] | None, max_price_usd: float | None
    ) -> None:
        if choice.channel not in self._routes:
            raise ApiError(400, "channel_not_available", f"this stack has no channel {choice.channel}")
        destination = destination_of(choice.channel, choice.address)
        if isinstance(destination, NoDestination):
            raise ApiError(
                400,
                "invalid_destination",
                f"the message has no valid {choice.channel} destination: {destination.flaw}",
            )
        if choice.channel is not Channel.EMAIL and countries is not None and destination.country not in countries:
            raise ApiError(
                400,
                "country_not_allowed",
                f"numbers of {destination.country or 'no country'} may not be written to; allowed are"
                f" {', '.join(sorted(countries)) or 'none'} (sms.allowed_countries of the stack, narrowed by"
                " options.allowed_countries)",
            )
        rendered = render(choice, destination, 0, max_price_usd, self._prices)
        if isinstance(rendered, ExcludedRow):
            raise ApiError(400, rendered.reason.value, f"the message cannot be sent: {rendered.detail}")

    def show(self, message_id: str) -> Answer:
        """200 with the message's state, which is `queued` until its provider call is announced."""
        if not MESSAGE_ID.fullmatch(message_id):
            raise _unknown(message_id)
        rows = self._tracking.rows([message_id])
        if rows:
            return Answer(200, _view(TrackedMessage.from_item(rows[0])))
        known = self._orders.find(message_id)
        if known is None:
            raise _unknown(message_id)
        return Answer(
            200, {"message_id": message_id, "status": "queued", "ordered_at_ms": known.ordered_at_ms, "history": {}}
        )


def _message_id(order: MessageOrder, caller: Caller) -> str:
    if order.message_id is not None:
        return order.message_id
    if caller.idempotency_key is not None:
        digest = hashlib.sha256(f"{caller.identity}\n{caller.idempotency_key}".encode()).hexdigest()
        return f"m-{digest[:20]}"
    return f"m-{secrets.token_hex(10)}"


def _view(row: TrackedMessage) -> dict[str, Any]:
    state = row.state
    accepted = state.is_accepted
    return {
        "message_id": row.message_id,
        "campaign_id": row.campaign_id or None,
        "customer_id": row.customer_id,
        "channel": row.channel,
        "status": state.status.value,
        "history": {status.value: at for status, at in sorted(state.history.items(), key=lambda item: item[1])},
        "error_code": state.code,
        "flags": sorted(state.flags),
        "cost_usd": float(state.cost_usd if state.cost_usd is not None else row.estimate_usd) if accepted else 0.0,
        "cost_is_estimate": accepted and state.cost_usd is None,
        "provider_id": state.provider_id,
    }


def _unknown(message_id: str) -> ApiError:
    return ApiError(404, "unknown_message", f"there is no message {message_id[:64]}")


def _url(message_id: str) -> str:
    return f"/api/messages/{message_id}"
