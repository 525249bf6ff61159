"""What single messages and chains of channels are for, done once."""

from __future__ import annotations

import json
import time
import uuid
from functools import partial

from lambdas.adapters.opt_outs import OptOuts
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.leg_order import LegOrder
from lambdas.core.own_codes import EXPIRED, OPTED_OUT
from tests.cloud.campaign_client import CONTENT, destination, message_order
from tests.cloud.stage import BOUNCING, SMS_FAILING, SMS_THROTTLED, Stage, receipt


def single_messages(stage: Stage) -> None:
    """One on each channel, and one that the provider refuses at first."""
    throttled = stage.ordered(Channel.SMS, SMS_THROTTLED)
    stage.wait_until(lambda: stage.calls(throttled), timeout=30, what="the provider refuses")
    for message_id in (throttled, *(stage.ordered(channel) for channel in Channel)):
        stage.until_message(message_id, "delivered")


def mail_from_a_template(stage: Stage) -> None:
    """A campaign and a single message that SES renders."""
    name = f"exercise-{uuid.uuid4().hex[:8]}"
    content = {"Subject": "Your table", "Text": "Your table is ready"}
    stage.stack.client("sesv2").create_email_template(TemplateName=name, TemplateContent=content)
    campaign_id = stage.started(2, 20, channels=(Channel.EMAIL,), content={"email": {"template": name}})
    stage.until_message(stage.ordered(Channel.EMAIL, template=name), "delivered")
    stage.until_status(campaign_id, "completed")
    stage.until_settled(campaign_id)
    assert stage.stack.statuses(campaign_id, 2) == {"delivered": 2}


def single_messages_that_are_not_sent(stage: Stage) -> None:
    """One came too late, one was ordered twice, one's recipient opts out between two tries."""
    late, twice = (f"m-{uuid.uuid4().hex[:20]}" for _ in range(2))
    expired = message_order(
        Channel.EMAIL, message_id=late, ordered_at_ms=1_700_000_000_000, options={"validity_seconds": 60}
    )
    number = "+14255550001"
    refused = stage.ordered(Channel.SMS, SMS_THROTTLED, phone=number)
    stage.put_orders(expired, *([message_order(Channel.WHATSAPP, message_id=twice)] * 2))
    stage.wait_until(lambda: stage.calls(refused), timeout=30, what="the provider refuses")
    OptOuts(stage.stack.campaigns, Channel.SMS).remember(number, "exercise")
    stage.until_message(late, "failed", EXPIRED)
    stage.until_message(refused, "failed", OPTED_OUT)
    stage.until_message(twice, "delivered")
    assert stage.calls(twice) == 1


def message_that_falls_back(stage: Stage) -> None:
    """It fails on its first channel and arrives on the second, and on the first after all; a watch comes too early."""
    own = {"email": f"second-{uuid.uuid4().hex[:8]}@example.com", "phone": "+12065550003"}
    body = {"customer_id": "1", "channels": ["sms", "email"], "body": "hello", "content": CONTENT, **own}
    stage.cloud.control.set_carrier_profile(SMS_FAILING)
    options = {"fallback_after_seconds": 60}
    status, answer = stage.stack.call("POST", "/api/messages", {**body, "options": options})
    assert status == 202, answer
    message_id = str(answer["message_id"])
    stage.until_message(f"{message_id}_1", "delivered")
    stage.put_receipts(receipt(message_id, "DELIVERED", time.time_ns() // 1_000_000))

    def flagged() -> bool:
        _, shown = stage.stack.call("GET", f"/api/messages/{message_id}/timeline")
        return "double" in shown["legs"][0]["flags"]

    stage.wait_until(flagged, timeout=30, what="the second arrival is on record")
    fallback = stage.stack.outputs.outbox
    early = {"chain_ids": [message_id], "due_ms": time.time_ns() // 1_000_000 + 3_000}
    stage.stack.client("sqs").send_message(QueueUrl=fallback.fallback_queue_url, MessageBody=json.dumps(early))
    queue = fallback.fallback_queue_url.rpartition("/")[2]
    stage.wait_until(
        lambda: stage.used(fallback.fallback_function, "sqs:SendMessage", queue), timeout=30, what="it is put back"
    )


def campaign_that_falls_back(stage: Stage) -> str:
    """Its rows fail on their first channel and arrive on the second, paid by the campaign; its id."""
    own = uuid.uuid4().hex[:8]
    users = [
        {"customer_id": f"{own}-{n}", "channels": ["sms", "email"], **destination("sms", n), **destination("email", n)}
        for n in range(3)
    ]
    body = {"eligible_users": users, "throughput_tps": 20, "body": "hello", "content": CONTENT}
    stage.cloud.control.set_carrier_profile(SMS_FAILING)
    status, answer = stage.stack.call(
        "POST",
        "/api/send-campaign",
        {**body, "options": {"fallback_after_seconds": 600, "message_type": "PROMOTIONAL"}},
    )
    assert status == 202, answer
    campaign_id = str(answer["campaign_id"])
    for row in range(3):
        stage.until_message(f"{keys.message(campaign_id, row)}_1", "delivered")
    stage.until_settled(campaign_id)
    return campaign_id


def chain_that_nobody_was_told_of(stage: Stage) -> None:
    """The sweeper names a chain whose failure got lost on its way, hours after the campaign was made."""
    campaign_id = campaign_that_falls_back(stage)
    long_ago_ms = time.time_ns() // 1_000_000 - 7 * 3_600_000
    key = {"message_id": keys.message(campaign_id, 0)}
    forgotten = {"at": long_ago_ms, "none": list[str]()}
    stage.stack.tracking.update(key, "SET #history.#failed = :at, #timestamp = :at, #legs = :none", forgotten)
    stage.edit(campaign_id, created_at=long_ago_ms, legs=9)
    stage.sweep()
    outputs = stage.stack.outputs
    sweeper, queue = outputs.campaigns.sweeper_function, outputs.outbox.fallback_queue_url.rpartition("/")[2]
    stage.wait_until(lambda: stage.used(sweeper, "sqs:SendMessage", queue), timeout=30, what="the sweeper names it")
    stage.wait_until(lambda: stage.tracked([key["message_id"]])[0]["legs"], timeout=30, what="it is decided again")


def leg_of_a_paused_campaign(stage: Stage) -> None:
    """The sender puts it back for later."""
    campaign_id = campaign_that_falls_back(stage)
    stage.edit(campaign_id, status="paused")
    order = LegOrder(keys.message(campaign_id, 0), 1, 1, time.time_ns() // 1_000_000)
    outbox = stage.stack.outputs.outbox
    stage.stack.client("sqs").send_message(QueueUrl=outbox.legs_queue_url, MessageBody=json.dumps(order.to_json()))
    sender, queue = outbox.message_sender_function, outbox.legs_queue_url.rpartition("/")[2]
    stage.wait_until(lambda: stage.used(sender, "sqs:SendMessage", queue), timeout=30, what="it is put back")


def order_nobody_can_read(stage: Stage) -> None:
    """The sender keeps it in its queue, and lets it come back soon."""
    outbox = stage.stack.outputs.outbox
    for url in (outbox.outbox_queue_url, outbox.legs_queue_url):
        stage.stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"message_id": "unreadable"}))
        queue = url.rpartition("/")[2]
        stage.wait_until(
            partial(stage.used, outbox.message_sender_function, "sqs:ChangeMessageVisibility", queue),
            timeout=30,
            what="it is held back",
        )


def suppressed_by_a_receipt(stage: Stage) -> None:
    """A bounce suppresses its address; the next message to it is not sent."""
    address = f"gone-{uuid.uuid4().hex[:8]}@example.com"
    stage.until_message(stage.ordered(Channel.EMAIL, BOUNCING, email=address), "failed", "Permanent/General")
    opt_outs = OptOuts(stage.stack.campaigns, Channel.EMAIL)
    stage.wait_until(lambda: opt_outs.opted_out({address}), timeout=30, what="it is suppressed")
    stage.until_message(stage.ordered(Channel.EMAIL, email=address), "failed", OPTED_OUT)
