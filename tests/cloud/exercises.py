"""What a stack is for, done once: each exercise uses one feature, so that every right behind it is needed.

A new feature brings its exercise: a function of a `Stage`, added to `EXERCISES`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3

from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.opt_out_register import OptOutRegister
from lambdas.adapters.opt_outs import OptOuts
from lambdas.adapters.pumping import list_block, write_watch
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.identity_calendar import MILLI
from lambdas.core.lanes import booked
from lambdas.core.leg_order import LegOrder
from lambdas.core.own_codes import EXPIRED, OPTED_OUT
from lambdas.core.pacing import MICROSECOND
from lambdas.core.pumping_guard import GuardLimits, Kind, Watch, Watched
from lambdas.core.work import RUN_SECONDS
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import CONTENT, StackClient, destination, eligible_users, message_order
from tests.cloud.session_exercises import session_from_end_to_end

EVERY_CHANNEL = tuple(Channel)
SMOOTH = CarrierProfile(seed=5, latency_ms=(5, 20), receipt_delay_ms=(20, 100))
ROUGH = CarrierProfile(
    seed=6,
    failure_rate=0.2,
    # Failures after which a recipient may be written to again: the recipients are everybody's.
    failure_mix={"UNREACHABLE": 1, "131026": 1, "bounce_transient": 1},
    throttle_rate=0.1,
    duplicate_rate=0.3,
    reorder_rate=0.3,
)
SMS_THROTTLED = CarrierProfile(seed=7, channels={Channel.SMS: {"throttle_rate": 1.0}})
SMS_FAILING = CarrierProfile(seed=10, receipt_delay_ms=(20, 100), channels={Channel.SMS: {"failure_rate": 1.0}})
BOUNCING = CarrierProfile(
    seed=9, latency_ms=(5, 20), receipt_delay_ms=(20, 100), channels={Channel.EMAIL: {"failure_rate": 1.0}}
)
SLOW = CarrierProfile(seed=8, latency_ms=(6_000, 6_000))
ONE_RECEIPT_BATCH = 100
FRANCE, LIMITS = Watched(Kind.COUNTRY, "FR"), GuardLimits()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stack that nobody else uses, and the ways to work on it."""

    cloud: LocalCloud
    stack: StackClient
    wait_until: Callable[..., Any]

    def started(self, recipients: int, tps: float, profile: CarrierProfile = SMOOTH, **fields: Any) -> str:
        """A campaign under way, by a carrier that behaves so; its id."""
        self.cloud.control.set_carrier_profile(profile)
        return self.stack.send_campaign(recipients, tps, key=uuid.uuid4().hex, **fields)

    def change(self, campaign_id: str, **fields: Any) -> None:
        """One PATCH at the version that is current."""
        version = self.stack.show(campaign_id)["version"]
        path = f"/api/campaigns/{campaign_id}"
        status, answer = self.stack.call("PATCH", path, {**fields, "expected_version": version})
        assert status == 200, answer

    def edit(self, campaign_id: str, **attributes: Any) -> None:
        """Set attributes of the campaign's META behind everybody's back, as a crash would leave them."""
        sets = ", ".join(f"#{name} = :{name}" for name in attributes)
        self.stack.campaigns.update(meta_key(campaign_id), f"SET {sets}", attributes)

    def until_status(self, campaign_id: str, status: str) -> None:
        """Wait until the campaign is `completed` or the like."""
        self.wait_until(
            lambda: self.stack.show(campaign_id)["status"] == status,
            timeout=90,
            what=lambda: f"{campaign_id} is {status}: {_meta(self, campaign_id)} {_chunks(self, campaign_id)}",
        )

    def until_settled(self, campaign_id: str) -> None:
        """Wait until every row that was handed over is final."""
        self.wait_until(lambda: self.stack.show(campaign_id)["settled"], timeout=90, what="it is settled")

    def calls(self, id_: str) -> int:
        """How often the provider was called for a campaign or a single message."""
        found = (call.context.get("message_id", "") for call in self.cloud.control.carrier_calls())
        return sum(message_id == id_ or message_id.startswith(f"{id_}-") for message_id in found)

    def ordered(self, channel: str, profile: CarrierProfile = SMOOTH, **fields: Any) -> str:
        """A single message asked for by the API, of a carrier that behaves so; its id."""
        self.cloud.control.set_carrier_profile(profile)
        return self.stack.send_message(channel, **fields)

    def put_orders(self, *orders: dict[str, Any]) -> None:
        """Put orders into the outbox queue as an in-house producer does."""
        entries = [{"Id": str(place), "MessageBody": json.dumps(each)} for place, each in enumerate(orders)]
        url = self.stack.outputs.outbox.outbox_queue_url
        answer = self.stack.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed"), answer

    def until_message(self, message_id: str, status: str, code: str | None = None) -> None:
        """Wait until a single message is `delivered` or the like, with this error code."""

        def met() -> bool:
            found, shown = self.stack.call("GET", f"/api/messages/{message_id}")
            return found == 200 and (shown["status"], shown.get("error_code")) == (status, code)

        self.wait_until(met, timeout=60, what=f"{message_id} is {status} {code or ''}")

    def tracked(self, message_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The tracking rows that there are of these messages."""
        found = self.stack.tracking.batch_get(({"message_id": each} for each in message_ids), consistent=True)
        return [dict(row) for row in found]

    def used(self, function: str, action: str, name: str) -> bool:
        """Whether a function has asked for this action on the resource of this name."""
        return any(
            (each.session, each.action) == (function, action) and each.resource.endswith(name)
            for each in self.cloud.control.decisions()
        )

    def sweep(self) -> None:
        """Let the sweep's next tick come now."""
        self.cloud.control.advance_clock(60)

    def put_receipts(self, *bodies: dict[str, Any] | str) -> None:
        """Put events into the receipts queue as its topic and rule do."""
        sqs, url = self.stack.client("sqs"), self.stack.outputs.messaging.receipts_queue_url
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        for start in range(0, len(texts), 10):
            entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(texts[start : start + 10])]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)


def receipt(message_id: str, status: str, at_ms: int) -> dict[str, Any]:
    """What a configuration set sends to its topic about one of our messages."""
    return {
        "eventType": f"TEXT_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": at_ms,
        "isFinal": status == "DELIVERED",
        "messageId": f"provider-of-{message_id}",
        "messageStatus": status,
        "context": {"message_id": message_id, "stack": "local"},
    }


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


def rough_campaign(stage: Stage) -> None:
    """Refusals, failures, repeated and reordered receipts by both paths."""
    campaign_id = stage.started(150, 75, ROUGH, channels=EVERY_CHANNEL)
    stage.until_status(campaign_id, "completed")
    stage.until_settled(campaign_id)


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


def pause_while_throttled(stage: Stage) -> None:
    """Intents that were never called are withdrawn; the campaign goes on faster after the pause."""
    campaign_id = stage.started(30, 20, SMS_THROTTLED)
    stage.wait_until(lambda: stage.calls(campaign_id) > 3, timeout=30, what="the provider refuses")
    stage.change(campaign_id, status="paused")
    stage.wait_until(lambda: not stage.stack.rows(campaign_id, 30), timeout=60, what="the intents are withdrawn")
    stage.cloud.control.set_carrier_profile(SMOOTH)
    stage.change(campaign_id, throughput_tps=60)
    stage.change(campaign_id, status="running")
    stage.until_status(campaign_id, "completed")


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


def what_outlasts_a_run(stage: Stage) -> None:
    """A worker dies, and its token comes back by itself; others run out of time, and put tokens for their successors;
    a single message finds no slot, and is ordered again."""
    taken_over = stage.started(60, 20)
    # A claim that no chunk records waits for the sweeper, a chunk only for the token.
    stage.wait_until(
        lambda: sum(chunk["rows"] for chunk in _chunks(stage, taken_over)) == 60,
        timeout=30,
        what="all of it is claimed, and much of it not sent",
    )
    assert stage.cloud.control.kill_function(stage.stack.outputs.campaigns.sms_worker_function)
    slow = stage.started(2 * (RUN_SECONDS + 6), 2, channels=(Channel.WHATSAPP, Channel.EMAIL))
    _book_out(stage, Channel.SMS, RUN_SECONDS + 6)
    held_up = stage.started(4, 4)
    message_id = stage.ordered(Channel.SMS)
    for campaign_id in (taken_over, slow, held_up):
        stage.until_status(campaign_id, "completed")
    stage.until_message(message_id, "delivered")
    sender, queue = stage.stack.outputs.outbox.message_sender_function, stage.stack.outputs.outbox.outbox_queue_url
    assert stage.used(sender, "sqs:SendMessage", queue.rpartition("/")[2])


def campaign_that_lost_its_tokens(stage: Stage) -> None:
    """The sweeper puts a token for each channel of a running campaign that nobody has worked on for a while."""
    campaign_id = stage.started(60, 15, channels=EVERY_CHANNEL)
    stage.wait_until(lambda: stage.calls(campaign_id) > 3, timeout=30, what="it is being sent")
    stage.change(campaign_id, status="paused")
    stage.wait_until(lambda: _let_go(stage, campaign_id), timeout=60, what="its worker has let go")
    long_ago_us = (int(time.time()) - 60) * 1_000_000
    stage.edit(campaign_id, status="running", **{booked(channel): long_ago_us for channel in EVERY_CHANNEL})
    stage.sweep()
    stage.until_status(campaign_id, "completed")


def campaign_that_was_cancelled_without_a_worker(stage: Stage) -> None:
    """The sweeper closes what its worker left: a chunk with calls that nobody waits for, a claim without a chunk."""
    campaign_id = stage.started(40, 20, SLOW)
    ids = [keys.message(campaign_id, row) for row in range(40)]
    stage.wait_until(
        lambda: sum(chunk["rows"] for chunk in _chunks(stage, campaign_id)) == 40 and len(stage.tracked(ids)) > 1,
        timeout=30,
        what="all of it is claimed, and some of it is being sent",
    )
    assert stage.cloud.control.kill_function(stage.stack.outputs.campaigns.sms_worker_function)
    stage.change(campaign_id, status="cancelled")
    *kept, last = _chunks(stage, campaign_id)
    for chunk in kept:
        stage.stack.campaigns.update({"pk": chunk["pk"], "sk": chunk["sk"]}, "SET #lease_until = :past", {"past": 0})
    table, key = stage.stack.campaigns, {"pk": last["pk"], "sk": last["sk"]}
    assert table.delete(key, condition="#status = :open", values={"open": "open"})
    # A row that somebody changes while the sweeper looks at it.
    stage.stack.tracking.update({"message_id": ids[0]}, "SET #version = :next", {"next": 2})
    stage.edit(campaign_id, **{booked(Channel.SMS): (int(time.time()) - 60) * 1_000_000})
    stage.sweep()

    def closed() -> bool:
        meta = _meta(stage, campaign_id)
        return bool(meta["done_rows"] == meta["claimed_rows"])

    stage.wait_until(closed, timeout=30, what="its chunks are closed")
    assert "in_doubt" in stage.tracked(ids[:1])[0]["history"]


def campaign_that_was_not_planned(stage: Stage) -> None:
    """The sweeper asks for a plan that got lost; the campaign is sent after all."""
    functions, sqs = stage.stack.client("lambda"), stage.stack.client("sqs")
    planner, plans = (
        stage.stack.outputs.campaigns.campaign_planner_function,
        stage.stack.outputs.campaigns.plan_queue_url,
    )
    (mapping,) = functions.list_event_source_mappings(FunctionName=planner)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    campaign_id = stage.started(2, 20)
    sqs.purge_queue(QueueUrl=plans)
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    stage.edit(campaign_id, created_at=time.time_ns() // 1_000_000 - 180_000)
    stage.sweep()
    stage.until_status(campaign_id, "completed")


def recount(stage: Stage) -> None:
    """A settled campaign is counted again from its rows, a minute after it settled."""
    campaign_id = stage.started(5, 50)
    stage.until_status(campaign_id, "completed")
    stage.until_settled(campaign_id)
    stage.edit(campaign_id, settled_at=time.time_ns() // 1_000_000 - 90_000)
    stage.sweep()
    stage.wait_until(lambda: _meta(stage, campaign_id).get("recounted"), timeout=30, what="the sweeper recounts")


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


def uploaded_audience(stage: Stage) -> None:
    """An uploaded audience is planned in several invocations, as a large one is, then sent to; its report is read."""
    lines = [f"c-{row},+1425414{'7755' if row % 2 else '7167'}" for row in range(2_500)]
    audience_id = stage.stack.upload("\n".join(["customer_id,phone", *lines, "c-short"]).encode())
    assert stage.stack.call("GET", f"/api/audiences/{audience_id}")[1]["uploaded"]
    body = {"audience_id": audience_id, "default_channel": "sms", "throughput_tps": 50, "body": "hello"}
    functions = stage.stack.client("lambda")
    planner = stage.stack.outputs.campaigns.campaign_planner_function
    timeout_s = functions.get_function_configuration(FunctionName=planner)["Timeout"]
    # What is left of an invocation when it hands over: each of them plans one batch.
    functions.update_function_configuration(FunctionName=planner, Timeout=45)
    try:
        url = stage.stack.call("POST", "/api/send-campaign", {**body, "dry_run": True})[1]["url"]
        stage.wait_until(
            lambda: stage.stack.call("GET", url)[1]["status"] == "ready", timeout=60, what="the dry run is planned"
        )
    finally:
        functions.update_function_configuration(FunctionName=planner, Timeout=timeout_s)
    plan = stage.stack.call("GET", url)[1]
    assert (plan["plan"]["recipients"], plan["plan"]["excluded_by_reason"]) == (2_500, {"invalid_row": 1})
    assert stage.stack.get_link(plan["report"]["url"])[1].count("\n") == 2
    assert stage.used(planner, "s3:GetObject", "/0001000"), "nobody went on where another stopped"


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
    rough_campaign,
    receipt_before_the_answer,
    pause_while_throttled,
    opt_outs,
    opt_outs_by_word_and_by_hand,
    single_messages,
    mail_from_a_template,
    single_messages_that_are_not_sent,
    message_that_falls_back,
    chain_that_nobody_was_told_of,
    leg_of_a_paused_campaign,
    order_nobody_can_read,
    suppressed_by_a_receipt,
    what_outlasts_a_run,
    campaign_that_lost_its_tokens,
    campaign_that_was_cancelled_without_a_worker,
    campaign_that_was_not_planned,
    recount,
    receipts_at_the_same_time,
    receipts_of_nobody,
    application,
    uploaded_audience,
    sessions,
    poisoned_stream,
)


def _meta(stage: Stage, campaign_id: str) -> dict[str, Any]:
    return dict(stage.stack.campaigns.get(meta_key(campaign_id)) or {})


def _book_out(stage: Stage, channel: Channel, seconds: int) -> None:
    """Somebody has leased all of the time of the channel's identity, from now on."""
    outputs = stage.stack.outputs
    key = keys.limiter(channel, outputs.identity.region, outputs.messaging.sms_origination_identity)
    item = stage.stack.rate_limits.get({"limiter_key": key})
    assert item is not None
    now_us = time.time_ns() // 1_000
    lease = {"o": "exercise", "s": now_us, "e": now_us + seconds * MICROSECOND, "r": int(item["rate"] * MILLI)}
    stage.stack.rate_limits.update(
        {"limiter_key": key}, "SET #leases = :leases, #version = #version + :one", {"leases": [lease], "one": 1}
    )


def _let_go(stage: Stage, campaign_id: str) -> bool:
    """No chunk of it is held: each is done, or open with its lease given back."""
    chunks = _chunks(stage, campaign_id)
    return all(chunk["status"] == "done" or chunk["lease_until"] == 0 for chunk in chunks)


def _chunks(stage: Stage, campaign_id: str) -> list[dict[str, Any]]:
    found = stage.stack.campaigns.query(
        "#pk = :pk AND begins_with(#sk, :prefix)", {"pk": keys.campaign(campaign_id), "prefix": keys.CHUNK_PREFIX}
    )
    return [dict(chunk) for chunk in found]


def _empty(stage: Stage) -> bool:
    return _length(stage.stack.client("sqs"), stage.stack.outputs.messaging.receipts_queue_url) == 0


def _length(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
