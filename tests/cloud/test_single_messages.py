"""Single messages: from the API or the outbox to the receipt, once, in the priority lane, within the daily cap."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from lambdas.adapters.opt_outs import OptOuts
from lambdas.core import keys
from lambdas.core.channels import Channel
from localcloud.launch import LocalCloud
from localcloud.profile import BUILT_IN, CarrierProfile
from tests.cloud.campaign_client import StackClient

NUMBER = "+12065550142"


@pytest.fixture(autouse=True)
def smooth_carrier(cloud: LocalCloud) -> None:
    cloud.control.set_carrier_profile(BUILT_IN["smooth"])
    cloud.control.forget_carrier_calls()


def order(**changes: Any) -> dict[str, Any]:
    return {"customer_id": "c-1", "channel": "sms", "phone": NUMBER, "body": "Your code is 1234", **changes}


def accept(stack: StackClient, key: str, **changes: Any) -> str:
    status, answer = stack.call("POST", "/api/messages", order(**changes), headers={"Idempotency-Key": key})
    assert status == 202, answer
    assert answer["url"] == f"/api/messages/{answer['message_id']}"
    return str(answer["message_id"])


def show(stack: StackClient, message_id: str) -> dict[str, Any]:
    status, answer = stack.call("GET", f"/api/messages/{message_id}")
    assert status == 200, answer
    return answer


def calls_of(cloud: LocalCloud, message_id: str) -> int:
    return sum(call.context["message_id"] == message_id for call in cloud.control.carrier_calls())


def test_a_message_goes_out_once_and_is_shown_until_it_is_delivered(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    message_id = accept(stack, unique)
    wait_until(lambda: show(stack, message_id)["status"] == "delivered")
    shown = show(stack, message_id)
    assert (shown["channel"], shown["campaign_id"], shown["error_code"]) == ("sms", None, None)
    assert next(iter(shown["history"])) == "sending"
    assert shown["cost_usd"] > 0
    assert NUMBER not in json.dumps(shown)
    assert accept(stack, unique) == message_id
    status, answer = stack.call("POST", "/api/messages", order(body="another"), headers={"Idempotency-Key": unique})
    assert (status, answer["error"]["code"]) == (409, "key_reused")
    wait_until(lambda: _empty(stack, stack.outputs.outbox.outbox_queue_url))
    assert calls_of(cloud, message_id) == 1


def _empty(stack: StackClient, url: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(found[name] == "0" for name in names)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"phone": "12"}, 400, "invalid_destination"),
        ({"body": "{{ name }}"}, 400, "missing_variable"),
        ({"body": "x" * 1_600}, 400, "too_long"),
        ({"channel": "fax"}, 400, "invalid_request"),
        ({"colour": "red"}, 400, "invalid_request"),
        ({"options": {"max_price_usd": 0.0001}}, 400, "over_price_limit"),
    ],
)
def test_what_could_only_fail_is_refused_at_once(
    stack: StackClient, changes: dict[str, Any], status: int, code: str
) -> None:
    found, answer = stack.call("POST", "/api/messages", order(**changes))
    assert (found, answer["error"]["code"]) == (status, code)


def test_an_unknown_message_is_none(stack: StackClient) -> None:
    status, answer = stack.call("GET", "/api/messages/m-nobody")
    assert (status, answer["error"]["code"]) == (404, "unknown_message")


def test_an_in_house_producer_uses_the_queue_and_says_it_twice(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    body = json.dumps(order(message_id=unique, body="hello {{ name }}", variables={"name": "you"}))
    sqs, url = stack.client("sqs"), stack.outputs.outbox.outbox_queue_url
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    wait_until(lambda: _empty(stack, url) and show(stack, unique)["status"] == "delivered")
    assert calls_of(cloud, unique) == 1


def test_who_has_opted_out_gets_nothing_and_the_record_says_why(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    number = "+12065580177"
    OptOuts(stack.campaigns, Channel.SMS).remember(number, "test")
    message_id = accept(stack, unique, phone=number)
    wait_until(lambda: show(stack, message_id)["status"] == "failed")
    assert show(stack, message_id)["error_code"] == "OPTED_OUT"
    assert calls_of(cloud, message_id) == 0


def test_a_message_that_waited_longer_than_it_is_valid_is_not_sent(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    late = order(message_id=unique, ordered_at_ms=1_700_000_000_000, options={"validity_seconds": 60})
    stack.client("sqs").send_message(QueueUrl=stack.outputs.outbox.outbox_queue_url, MessageBody=json.dumps(late))
    wait_until(lambda: stack.call("GET", f"/api/messages/{unique}")[0] == 200)
    wait_until(lambda: show(stack, unique)["error_code"] == "EXPIRED")
    assert calls_of(cloud, unique) == 0


def test_an_order_nobody_can_read_is_parked_and_the_others_of_its_batch_are_sent(
    stack: StackClient, unique: str, wait_until: Any
) -> None:
    sqs, url = stack.client("sqs"), stack.outputs.outbox.outbox_queue_url
    bodies = ["not json", json.dumps(order(message_id=f"{unique}-0")), json.dumps(order(message_id="no spaces"))]
    sqs.send_message_batch(
        QueueUrl=url,
        Entries=[{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)],
    )
    wait_until(lambda: stack.call("GET", f"/api/messages/{unique}-0")[0] == 200)
    wait_until(lambda: show(stack, f"{unique}-0")["status"] == "delivered")


def test_a_single_message_does_not_wait_for_a_campaign_that_takes_all_it_can(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    campaign = stack.send_campaign(400, 1_000, key=unique)
    wait_until(lambda: len(cloud.control.carrier_calls()) > 20)
    message_id = accept(stack, f"{unique}-single")
    wait_until(lambda: show(stack, message_id)["status"] == "delivered")
    wait_until(lambda: stack.show(campaign)["status"] == "completed", timeout=60)
    calls = cloud.control.carrier_calls()
    single = next(call.at for call in calls if call.context["message_id"] == message_id)
    behind = sum(call.at > single for call in calls)
    assert behind > 100, "the campaign was far from done"
    assert max(Counter(call.context["message_id"] for call in calls).values()) == 1


AREAS = (205, 206, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240, 248, 251)
"""Area codes of the United States: numbers that follow one another would be taken for SMS pumping."""


def test_the_daily_cap_holds_and_money_of_what_was_refused_comes_back(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any
) -> None:
    spent = _spent(stack)
    cloud.control.set_carrier_profile(CarrierProfile(seed=5, throttle_rate=0.4))
    ids = [accept(stack, f"{unique}-{area}", phone=f"+1{area}5550100") for area in AREAS]
    wait_until(lambda: all(show(stack, each)["status"] in ("delivered", "failed") for each in ids), timeout=60)
    sent = sum(show(stack, each)["status"] == "delivered" for each in ids)
    assert sent >= 15
    assert _spent(stack) - spent == pytest.approx(sent * 0.01102, abs=1e-9)


def _spent(stack: StackClient) -> float:
    items = stack.campaigns.query(
        "#pk = :pk AND #sk = :sk",
        {"pk": keys.spend_day(stack.today()), "sk": "OUTBOX"},
    )
    return float(items[0]["spent"]) if items else 0.0
