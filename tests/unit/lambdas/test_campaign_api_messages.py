"""`POST /api/messages` and `GET /api/messages/{id}` without a cloud: what is refused, and what reaches the outbox."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lambdas.adapters.orders import KnownOrder, Orders
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracking import TrackingTable
from lambdas.campaign_api.answers import ApiError, Caller
from lambdas.campaign_api.messages import MessageService
from lambdas.core.channels import Channel, Route
from lambdas.core.message_order import MAX_ORDER_BYTES, MESSAGE_ID, parse_message_order
from tests.support.known_templates import Provider

CALLER = Caller("arn:aws:iam::123456789012:role/app", None)
ORDER = {"customer_id": "c-1", "channel": "sms", "phone": "+14254147755", "body": "hello"}
EMAIL = {"customer_id": "c-1", "channel": "email", "email": "success@simulator.amazonses.com", "subject": "s"}
ROUTES = {channel: Route("", "", 10, 10) for channel in (Channel.SMS, Channel.EMAIL)}
NOW_MS = 1_900_000_000_000


class Known:
    """ORDER items in memory."""

    def __init__(self) -> None:
        self.orders: dict[str, KnownOrder] = {}

    def remember(self, message_id: str, body_hash: str, now_ms: int) -> KnownOrder | None:
        known = self.orders.get(message_id)
        self.orders.setdefault(message_id, KnownOrder(body_hash, now_ms))
        return known

    def find(self, message_id: str) -> KnownOrder | None:
        return self.orders.get(message_id)


class Outbox:
    """A queue that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.groups: list[str | None] = []

    def send(self, body: dict[str, Any], *, group: str | None = None) -> None:
        self.bodies.append(body)
        self.groups.append(group)


class Rows:
    """A tracking table."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = {item["message_id"]: item for item in items}
        self.asked: list[str] = []

    def rows(self, message_ids: list[str]) -> list[dict[str, Any]]:
        self.asked += message_ids
        return [self.items[message_id] for message_id in message_ids if message_id in self.items]


class Service:
    """The service with its surroundings in memory."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.known, self.outbox, self.rows, self.now_ms = Known(), Outbox(), Rows(*items), NOW_MS
        self.provider = Provider()
        self.api = MessageService(
            cast(Orders, self.known), cast(TrackingTable, self.rows), cast(Queue, self.outbox), ROUTES,
            lambda: self.now_ms, self.provider.service(),
        )  # fmt: skip

    def refused(self, document: object, caller: Caller = CALLER) -> tuple[int, str, str]:
        with pytest.raises(ApiError) as caught:
            self.api.send(document, caller)
        assert self.outbox.bodies == []
        error = caught.value.body["error"]
        return caught.value.status, error["code"], error["message"]


def test_an_accepted_order_lies_in_the_outbox_with_its_id_and_time() -> None:
    service = Service()
    answer = service.api.send(ORDER, CALLER)
    message_id = answer.body["message_id"]
    assert MESSAGE_ID.fullmatch(message_id)
    assert (answer.status, answer.body["status"]) == (202, "queued")
    assert answer.headers == {"Location": f"/api/messages/{message_id}"}
    assert service.outbox.bodies == [{**ORDER, "message_id": message_id, "ordered_at_ms": NOW_MS}]
    assert parse_message_order(service.outbox.bodies[0]).message_id == message_id


def test_orders_without_a_key_are_different_messages() -> None:
    service = Service()
    ids = {service.api.send(ORDER, CALLER).body["message_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("by", ["key", "id"])
def test_the_same_key_and_body_are_one_message_with_its_first_time(by: str) -> None:
    service = Service()
    caller = Caller(CALLER.identity, "key-1") if by == "key" else CALLER
    order = ORDER if by == "key" else {**ORDER, "message_id": "mine"}
    first = service.api.send(order, caller)
    service.now_ms += 5_000
    assert service.api.send(order, caller).body == first.body
    assert [body["ordered_at_ms"] for body in service.outbox.bodies] == [NOW_MS, NOW_MS]
    with pytest.raises(ApiError) as caught:
        service.api.send({**order, "body": "another"}, caller)
    assert (caught.value.status, caught.value.body["error"]["code"]) == (409, "key_reused")
    assert len(service.outbox.bodies) == 2


def test_keys_belong_to_their_caller() -> None:
    service = Service()
    mine = service.api.send(ORDER, Caller("one", "key-1")).body["message_id"]
    assert service.api.send({**ORDER, "body": "x"}, Caller("two", "key-1")).body["message_id"] != mine


@pytest.mark.parametrize(
    ("document", "status", "code", "part"),
    [
        ([], 400, "invalid_request", "must be a JSON object"),
        ({**ORDER, "body": ""}, 400, "invalid_request", "no text"),
        ({**ORDER, "channel": "whatsapp"}, 400, "channel_not_available", "no channel whatsapp"),
        ({**ORDER, "phone": "12"}, 400, "invalid_destination", "no valid sms destination"),
        ({**ORDER, "body": "{{ name }}"}, 400, "missing_variable", "name"),
        ({**ORDER, "body": "{{ name }}", "variables": {"name": " "}}, 400, "empty", "no text"),
        ({**ORDER, "body": "x" * 1_531}, 400, "too_long", "1531"),
        ({**ORDER, "options": {"max_price_usd": 0.0001}}, 400, "over_price_limit", "USD"),
        ({**ORDER, "message_id": "spring-0000001"}, 400, "invalid_request", "seven digits"),
        ({**EMAIL, "html": "\u00e4" * 50_000}, 413, "too_large", f"more than {MAX_ORDER_BYTES}"),
    ],
)
def test_what_could_only_fail_later_is_refused_now(document: object, status: int, code: str, part: str) -> None:
    service = Service()
    found = service.refused(document)
    assert found[:2] == (status, code)
    assert part in found[2]
    assert service.known.orders == {}, "a refused order may be corrected under the same key"


def test_no_refusal_repeats_an_address() -> None:
    for document in ({**ORDER, "phone": "+1555"}, {**EMAIL, "email": "some one@example.com", "body": "x"}):
        _, _, message = Service().refused(document)
        assert "555" not in message
        assert "example.com" not in message


def test_an_order_is_queued_until_it_is_tracked() -> None:
    service = Service()
    service.api.send({**ORDER, "message_id": "mine"}, CALLER)
    assert service.api.show("mine").body == {
        "message_id": "mine", "status": "queued", "ordered_at_ms": NOW_MS, "history": {},
    }  # fmt: skip


def test_a_tracked_message_shows_its_state_and_no_address() -> None:
    item = {
        "message_id": "mine", "customer_id": "c-1", "channel": "sms", "timestamp": NOW_MS, "version": 3,
        "cost_estimate": "0.00881", "status": "delivered", "provider_id": "p-1", "destination": "+1******7755",
        "history": {"delivered": NOW_MS + 9, "sending": NOW_MS, "sent": NOW_MS + 5},
    }  # fmt: skip
    body = Service(item).api.show("mine").body
    assert (body["status"], body["cost_usd"], body["campaign_id"]) == ("delivered", 0.00881, None)
    assert list(body["history"]) == ["sending", "sent", "delivered"]
    assert "destination" not in body


@pytest.mark.parametrize("message_id", ["unknown", "", "a b", "x" * 3_000, "\u00e4"])
def test_a_message_nobody_ordered(message_id: str) -> None:
    service = Service()
    with pytest.raises(ApiError) as caught:
        service.api.show(message_id)
    assert (caught.value.status, caught.value.body["error"]["code"]) == (404, "unknown_message")
    assert all(len(asked) <= 64 for asked in service.rows.asked), "no key that the table would refuse"
