"""Orders of legs at the sender: what is still wanted, on which terms, with whose money."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lambdas.adapters.chains import StoredChain
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core.campaign import CampaignStatus
from lambdas.core.chain_plan import chained
from lambdas.core.chain_terms import Cause, ChainTerms, Decision
from lambdas.core.chains import Chain, Leg
from lambdas.core.channels import Channel
from lambdas.core.leg_order import LegOrder
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.prices import LIST_PRICES
from lambdas.core.send_options import SendOptions
from lambdas.core.send_window import Opening
from lambdas.message_sender.campaign_legs import CampaignLeg
from lambdas.message_sender.tasks import NotNow, Task, Tasks, UnsendableOrder
from tests.support.campaigns import planned_row

T = 1_800_000_000_000
ROW = "spring-0000007"
DOCUMENT: dict[str, Any] = {
    "message_id": "code", "customer_id": "ada", "channels": ["sms", "email"], "phone": "+14255550100",
    "email": "ada@example.com", "body": "hello", "content": {"email": {"subject": "Hi"}},
}  # fmt: skip

CONTENT = {**DOCUMENT["content"], "whatsapp": {"template": {"name": "code", "parameters": ["1234"]}}}


class Store:
    """What the tables and the bucket hold of one chain."""

    def __init__(self, stored: StoredChain | None, *, campaign: CampaignLeg | None = None, **options: Any) -> None:
        self.stored = stored
        self.campaign = campaign
        self.document = {**DOCUMENT, "options": options}
        self.kept: list[str] = []

    def load(self, chain_ids: list[str]) -> list[StoredChain]:
        return [self.stored] if self.stored and chain_ids == [self.stored.chain.id] else []

    def find(self, chain_id: str, now_ms: int) -> CampaignLeg | None:
        return self.campaign

    def get_order(self, message_id: str) -> object:
        return self.document

    def put_order(self, message_id: str, document: object) -> None:
        self.kept.append(message_id)


def stored(
    *events: StatusEvent,
    chain_id: str = "code",
    channels: tuple[str, ...] = ("sms", "email"),
    after_s: int | None = None,
    valid_s: int | None = None,
) -> StoredChain:
    state = fold(MessageState(Status.SENDING, {Status.SENDING: T}), events)
    terms = ChainTerms(channels, after_s, 0, valid_s)
    decision = Decision(1, Cause.FAILED, T + 1_000, T + 1_000, "SPAM")
    row = TrackedMessage(
        message_id=chain_id, campaign_id=chain_id.rpartition("-")[0], customer_id="ada", channel="sms", created_ms=T,
        estimate_usd=Decimal("0.01"), reserved_usd=Decimal("0.03"), version=2, state=state, chain=terms,
        decisions=(decision,),
    )  # fmt: skip
    return StoredChain(Chain(chain_id, terms, (decision,), (Leg(state, T), None)), (row, None))


FAILED = (StatusEvent(Status.SENT, T + 10, provider_id="p"), StatusEvent(Status.FAILED, T + 900, code="SPAM"))


def read(store: Store, body: dict[str, Any], at_ms: int = T + 2_000) -> Task:
    tasks = Tasks(store, store, store, tuple(Channel), LIST_PRICES)  # type: ignore[arg-type]
    record = {"body": json.dumps(body), "attributes": {"SentTimestamp": str(T)}, "messageAttributes": {}}
    return tasks.read(record, at_ms)


def leg(chain_id: str = "code", number: int = 1) -> dict[str, Any]:
    return LegOrder(chain_id, number, 1, T + 1_000).to_json()


def test_a_leg_is_the_orders_message_on_its_channel() -> None:
    task = read(Store(stored(*FAILED), message_type="PROMOTIONAL"), leg())
    assert (task.message_id, task.chain_id, task.refusal, task.has_next) == ("code_1", "code", None, False)
    assert (task.row.channel, task.row.destination, task.row.content.subject) == ("email", "ada@example.com", "Hi")
    assert (task.row.chain, task.terms.campaign_id, task.terms.message_type) == (None, "", "PROMOTIONAL")
    assert task.row.after_leg is None, "nothing follows the last channel"


def test_the_first_message_of_a_chain_is_kept_for_the_legs() -> None:
    store = Store(None)
    task = read(store, {**DOCUMENT, "options": {"fallback_after_seconds": 60}})
    assert (store.kept, task.deadline_s, task.has_next) == (["code"], 60, True)
    alone = {name: DOCUMENT[name] for name in ("customer_id", "phone", "body")}
    assert read(store, {**alone, "message_id": "one", "channel": "sms"}).deadline_s is None
    assert store.kept == ["code"]


def test_one_that_waited_longer_than_its_deadline_leaves_the_turn_to_the_next_channel() -> None:
    body = {**DOCUMENT, "options": {"fallback_after_seconds": 60}}
    assert read(Store(None), body, T + 60_000).refusal is None
    assert read(Store(None), body, T + 60_001).refusal == "EXPIRED"


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.READ])
def test_a_leg_is_not_needed_once_an_earlier_one_has_arrived(status: Status) -> None:
    arrived = stored(*FAILED, StatusEvent(status, T + 1_500))
    assert read(Store(arrived), leg()).refusal == "NOT_NEEDED"


def test_a_leg_that_comes_after_the_chains_end_has_expired_and_before_it_gets_what_is_left() -> None:
    chain = stored(*FAILED, valid_s=300)
    assert read(Store(chain), leg(), T + 299_000).terms.validity_seconds == 5
    assert read(Store(chain), leg(), T + 200_000).terms.validity_seconds == 100
    assert read(Store(chain), leg(), T + 300_000).refusal == "EXPIRED"


def test_all_legs_share_one_highest_price() -> None:
    """The first may come to 0.03 until its receipt tells what it cost."""
    assert read(Store(stored(*FAILED), max_price_usd=0.0301), leg()).refusal == "SPEND_CAP"
    assert read(Store(stored(*FAILED), max_price_usd=0.04), leg()).refusal is None
    told = stored(*FAILED, StatusEvent(Status.SENT, T + 20, price_usd=Decimal("0.005")))
    task = read(Store(told, max_price_usd=0.0301), leg())
    assert (task.refusal, task.terms.max_price_usd) == (None, "0.02510")
    refused = stored(StatusEvent(Status.FAILED, T + 5, code="ValidationException"))
    assert read(Store(refused, max_price_usd=0.01), leg()).refusal is None


def campaign_leg(status: CampaignStatus, budget_left_usd: Decimal = Decimal(1)) -> CampaignLeg:
    email = replace(planned_row(7), channel="email", destination="ada@example.com")
    row = chained([planned_row(7), email, planned_row(7, channel="whatsapp")], SendOptions())
    return CampaignLeg(row, status, "PROMOTIONAL", "0.50000", budget_left_usd)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (CampaignStatus.RUNNING, None),
        (CampaignStatus.COMPLETED, None),
        (CampaignStatus.CANCELLED, "CAMPAIGN_ENDED"),
        (CampaignStatus.STOPPED, "CAMPAIGN_ENDED"),
    ],
)
def test_a_campaigns_leg_is_the_campaigns(status: CampaignStatus, refusal: str | None) -> None:
    task = read(Store(stored(*FAILED, chain_id=ROW), campaign=campaign_leg(status)), leg(ROW))
    assert (task.message_id, task.refusal, task.terms.campaign_id) == (f"{ROW}_1", refusal, "spring")
    assert (task.row.channel, task.terms.message_type) == ("email", "PROMOTIONAL")
    assert refusal or task.milli_rate == 1_000 * task.row.parts, "as fast as the campaign itself"


def test_a_leg_of_a_very_slow_campaign_takes_no_longer_than_a_second_a_part() -> None:
    slow = campaign_leg(CampaignStatus.RUNNING)._replace(tps=0.01)
    assert read(Store(stored(*FAILED, chain_id=ROW), campaign=slow), leg(ROW)).milli_rate == 1_000


def test_a_campaigns_leg_waits_for_its_turn_until_its_chain_ends_and_a_single_messages_until_its_deadline() -> None:
    """The campaign's pace, pauses and windows say nothing about the channel that the leg waits for."""
    terms: dict[str, Any] = {"channels": ("sms", "email", "whatsapp"), "after_s": 60, "valid_s": 3_600}
    campaign = Store(stored(*FAILED, chain_id=ROW, **terms), campaign=campaign_leg(CampaignStatus.RUNNING))
    task = read(campaign, leg(ROW), T + 3_599_000)
    assert (task.refusal, task.has_next, task.deadline_s) == (None, True, 60)
    assert read(campaign, leg(ROW), T + 3_600_000).refusal == "EXPIRED"

    single = Store(stored(*FAILED, **terms))
    single.document = {**single.document, "channels": ["sms", "email", "whatsapp"], "content": CONTENT}
    assert read(single, leg(), T + 61_000).refusal is None
    assert read(single, leg(), T + 61_001).refusal == "EXPIRED"


def test_a_leg_for_which_its_campaign_has_no_money_does_not_wait_for_a_slot() -> None:
    price = campaign_leg(CampaignStatus.RUNNING).row.on(1).reserved_usd
    for left, refusal in ((price, None), (price - Decimal("0.00001"), "SPEND_CAP")):
        campaign = campaign_leg(CampaignStatus.RUNNING, left)
        assert read(Store(stored(*FAILED, chain_id=ROW), campaign=campaign), leg(ROW)).refusal == refusal


def test_a_paused_campaigns_leg_waits() -> None:
    with pytest.raises(NotNow):
        read(Store(stored(*FAILED, chain_id=ROW), campaign=campaign_leg(CampaignStatus.PAUSED)), leg(ROW))


def test_a_leg_waits_for_its_send_window() -> None:
    closed = campaign_leg(CampaignStatus.RUNNING)._replace(opening=Opening((T + 5_000) * 1_000, (T + 9_000) * 1_000))
    with pytest.raises(NotNow):
        read(Store(stored(*FAILED, chain_id=ROW), campaign=closed), leg(ROW), T + 4_999)
    task = read(Store(stored(*FAILED, chain_id=ROW), campaign=closed), leg(ROW), T + 5_000)
    assert (task.refusal, task.closes_us) == (None, (T + 9_000) * 1_000)
    with pytest.raises(NotNow):
        read(Store(stored(*FAILED, chain_id=ROW), campaign=closed), leg(ROW), T + 9_000)


@pytest.mark.parametrize("store", [Store(None), Store(stored(*FAILED, chain_id=ROW))])
def test_a_leg_of_nothing_can_never_be_sent(store: Store) -> None:
    with pytest.raises(UnsendableOrder):
        read(store, leg(ROW))


def test_a_leg_that_nobody_decided_can_never_be_sent() -> None:
    with pytest.raises(UnsendableOrder, match="no chain that asks for code_2"):
        read(Store(stored(*FAILED)), leg(number=2))
