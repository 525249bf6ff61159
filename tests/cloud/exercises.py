"""What a stack is for, done once: each exercise uses one feature, so that every right behind it is needed.

A new feature brings its exercise: a function of a `Stage`, added to `EXERCISES`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3

from lambdas.adapters.opt_out_register import OptOutRegister
from lambdas.adapters.pumping import list_block, write_watch
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.pumping_guard import GuardLimits, Kind, Watch, Watched
from tests.cloud import campaign_exercises, message_exercises
from tests.cloud.campaign_client import CONTENT, destination, eligible_users
from tests.cloud.session_exercises import session_from_end_to_end
from tests.cloud.stage import SLOW, Stage, receipt

ONE_RECEIPT_BATCH = 100
FRANCE, LIMITS = Watched(Kind.COUNTRY, "FR"), GuardLimits()


def reading_and_preflight(stage: Stage) -> None:
    """Everything the API answers without a campaign of its own."""
    users = [{"customer_id": channel, "selected_channel": channel, **destination(channel, 0)} for channel in Channel]
    body = {"eligible_users": users, "throughput_tps": 3, "body": "hello", "content": CONTENT}
    assert stage.stack.call("POST", "/api/send-campaign", {**body, "dry_run": True})[0] == 200
    assert stage.stack.call("POST", "/api/send-campaign", body)[0] == 202
    assert stage.stack.call("POST", "/api/send-campaign", body)[0] == 409
    assert stage.stack.call("GET", "/api/campaigns")[1]["campaigns"]
    assert stage.stack.call("GET", "/api/messages/m-nobody")[0] == 404
    assert stage.stack.call("GET", "/api/customers/1/costs?from=2026-01-01&to=2026-12-31")[0] == 200
    assert stage.stack.call("GET", "/api/receipts/overdue")[0] == 200
    assert stage.stack.call("GET", "/api/environment")[0] == 200


def receipt_before_the_answer(stage: Stage) -> None:
    """Worker and sender find their rows changed when the provider answers at last."""
    outputs = stage.stack.outputs
    senders = outputs.campaigns.sms_worker_function, outputs.outbox.message_sender_function

    def met() -> bool:
        campaign_id = stage.started(1, 1, SLOW)
        ids = [keys.message(campaign_id, 0), stage.ordered(Channel.SMS, SLOW)]
        stage.wait_until(lambda: len(stage.tracked(ids)) == 2, timeout=30, what="the intents are on record")
        stage.put_receipts(*(receipt(message_id, "DELIVERED", time.time_ns() // 1_000_000) for message_id in ids))
        stage.until_status(campaign_id, "completed")
        table = outputs.messaging.delivery_tracking_table
        stage.wait_until(lambda: all("sent" in row["history"] for row in stage.tracked(ids)), what="both are answered")
        return all(stage.used(function, "dynamodb:GetItem", table) for function in senders)

    stage.wait_until(met, timeout=90, what="a receipt is faster than the answer")


def opt_outs(stage: Stage) -> None:
    """The provider reports one; the next campaign to the same number is planned without it."""
    sms, users = stage.stack.client("pinpoint-sms-voice-v2"), eligible_users(2, first=900)
    number = users[0]["phone"]
    sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=number)
    refused = stage.started(2, 20, eligible_users=users)
    stage.until_status(refused, "completed")
    suppressed = stage.started(2, 20, eligible_users=users)
    stage.until_status(suppressed, "completed")
    sms.delete_opted_out_number(OptOutListName="Default", OptedOutNumber=number)
    recipient = {"pk": keys.recipient(number), "sk": keys.recipient_state(Channel.SMS)}
    assert stage.stack.campaigns.delete(recipient, condition="#source = :source", values={"source": "provider"})
    assert stage.stack.statuses(refused, 2)["failed"] == 1
    assert stage.stack.show(suppressed)["recipients"] == 1


def opt_outs_by_word_and_by_hand(stage: Stage) -> None:
    """STOP and START by SMS; an operator records, lifts and erases, and lifts a block of the pumping guard."""
    number = "+13125550100"
    register = OptOutRegister(stage.stack.campaigns, Channel.SMS)
    for word, version in (("STOP", 1), ("START", 2)):
        stage.put_receipts({"originationNumber": number, "messageBody": word, "inboundMessageId": uuid.uuid4().hex})
        stage.wait_until(lambda at=version: register.state(number).version == at, timeout=30, what=f"{word} is heard")
    path = f"/api/opt-outs/sms/{number}"
    assert stage.stack.call("PUT", path)[0] == 200
    version = stage.stack.call("GET", path)[1]["version"]
    assert stage.stack.call("DELETE", f"{path}?expected_version={version}")[0] == 200
    assert stage.stack.call("DELETE", f"/api/recipients/{number}")[0] == 200
    assert stage.stack.call("GET", "/api/pumping-guard") == (200, {"blocks": []})
    list_block(stage.stack.rate_limits, FRANCE, int(time.time()) + 60)
    write_watch(stage.stack.rate_limits, FRANCE, 0, Watch(blocked_until_s=int(time.time()) + 60).attributes(0, LIMITS))
    assert stage.stack.call("DELETE", "/api/pumping-guard/country:FR")[0] == 200
    assert register.state(number).version == 0


def receipts_at_the_same_time(stage: Stage) -> None:
    """Two batches about the same rows, until one of them finds a row changed under its hands."""
    campaign_id = stage.started(ONE_RECEIPT_BATCH, 100)
    stage.until_status(campaign_id, "completed")
    stage.until_settled(campaign_id)
    messaging = stage.stack.outputs.messaging
    # An earlier time of a known status is news, so each round changes every row again.
    at_ms = time.time_ns() // 1_000_000

    def met() -> bool:
        nonlocal at_ms
        for status in ("SENT", "DELIVERED"):
            at_ms -= 1_000
            rows = range(ONE_RECEIPT_BATCH)
            stage.put_receipts(*(receipt(keys.message(campaign_id, row), status, at_ms) for row in rows))
        stage.wait_until(lambda: _empty(stage), timeout=30, what="the receipts are taken")
        return stage.used(messaging.delivery_processor_function, "dynamodb:GetItem", messaging.delivery_tracking_table)

    stage.wait_until(met, timeout=60, what="two batches meet on one row")


def receipts_of_nobody(stage: Stage) -> None:
    """A receipt that overtook its message comes again, an unknown event is parked, a foreign one is counted."""
    processor = stage.stack.outputs.messaging.delivery_processor_function
    now_ms = time.time_ns() // 1_000_000
    early = receipt("c-nobody-0000000", "DELIVERED", now_ms)
    foreign = {**early, "context": {"message_id": "c-1-0000000", "stack": "another"}}
    stage.put_receipts(early, foreign, {"eventType": "VOICE_COMPLETED"}, "not JSON")
    stage.wait_until(lambda: stage.used(processor, "sqs:SendMessage", ""), timeout=30, what="the early one is put back")


def poisoned_stream(stage: Stage) -> None:
    """A batch that the counters cannot read ends in their dead-letter queue, after all its retries."""
    sqs = stage.stack.client("sqs")
    (url,) = sqs.list_queues(QueueNamePrefix="ai-cpaas-demo-campaign-counters-dlq")["QueueUrls"]
    stage.stack.tracking.put_new({"message_id": "poison", "customer_id": "1", "timestamp": 1}, "message_id")
    stage.wait_until(lambda: _length(sqs, url) == 1, timeout=60, what="the batch is reported")


def application(stage: Stage) -> None:
    """A customer's own application follows messages and calls the API in its role."""
    outputs = stage.stack.outputs
    session = stage.stack.client("sts").assume_role(
        RoleArn=outputs.messaging.messaging_role_arn, RoleSessionName="application"
    )["Credentials"]
    credentials = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    dynamodb = boto3.client("dynamodb", **{**stage.cloud.client_options(), **credentials})
    table = outputs.messaging.delivery_tracking_table
    key = {"message_id": {"S": "any"}}
    dynamodb.get_item(TableName=table, Key=key)
    dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}})
    attributes = {None: "message_id", keys.CUSTOMER_INDEX: "customer_id", keys.PROVIDER_INDEX: "provider_id"}
    for index, attribute in attributes.items():
        dynamodb.query(
            TableName=table,
            **({"IndexName": index} if index else {}),
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": attribute},
            ExpressionAttributeValues={":key": {"S": "any"}},
        )
    status, _ = stage.stack.call("GET", "/api/campaigns", credentials=credentials)
    assert status == 200


def sessions(stage: Stage) -> None:
    session_from_end_to_end(stage.cloud, stage.stack.outputs, stage.sweep)


EXERCISES: tuple[Callable[[Stage], None], ...] = (
    reading_and_preflight,
    campaign_exercises.rough_campaign,
    receipt_before_the_answer,
    campaign_exercises.pause_while_throttled,
    opt_outs,
    opt_outs_by_word_and_by_hand,
    message_exercises.single_messages,
    message_exercises.mail_from_a_template,
    message_exercises.single_messages_that_are_not_sent,
    message_exercises.message_that_falls_back,
    message_exercises.chain_that_nobody_was_told_of,
    message_exercises.leg_of_a_paused_campaign,
    message_exercises.order_nobody_can_read,
    message_exercises.suppressed_by_a_receipt,
    campaign_exercises.what_outlasts_a_run,
    campaign_exercises.campaign_that_lost_its_tokens,
    campaign_exercises.campaign_that_was_cancelled_without_a_worker,
    campaign_exercises.campaign_that_was_not_planned,
    campaign_exercises.recount,
    receipts_at_the_same_time,
    receipts_of_nobody,
    application,
    campaign_exercises.uploaded_audience,
    sessions,
    poisoned_stream,
)


def _empty(stage: Stage) -> bool:
    return _length(stage.stack.client("sqs"), stage.stack.outputs.messaging.receipts_queue_url) == 0


def _length(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
