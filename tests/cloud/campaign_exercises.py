"""What campaigns are for, done once: sent, paused, planned from a file, and carried on by whoever comes after."""

from __future__ import annotations

import time

from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.identity_calendar import MILLI
from lambdas.core.lanes import booked
from lambdas.core.pacing import MICROSECOND
from lambdas.core.work import RUN_SECONDS
from tests.cloud.stage import EVERY_CHANNEL, ROUGH, SLOW, SMOOTH, SMS_THROTTLED, Stage


def rough_campaign(stage: Stage) -> None:
    """Refusals, failures, repeated and reordered receipts by both paths."""
    campaign_id = stage.started(150, 75, ROUGH, channels=EVERY_CHANNEL)
    stage.until_status(campaign_id, "completed")
    stage.until_settled(campaign_id)


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


def what_outlasts_a_run(stage: Stage) -> None:
    """A worker dies, and its token comes back by itself; others run out of time, and put tokens for their successors;
    a single message finds no slot, and is ordered again."""
    taken_over = stage.started(60, 20)
    # A claim that no chunk records waits for the sweeper, a chunk only for the token.
    stage.wait_until(
        lambda: sum(chunk["rows"] for chunk in stage.chunks(taken_over)) == 60,
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
        lambda: sum(chunk["rows"] for chunk in stage.chunks(campaign_id)) == 40 and len(stage.tracked(ids)) > 1,
        timeout=30,
        what="all of it is claimed, and some of it is being sent",
    )
    assert stage.cloud.control.kill_function(stage.stack.outputs.campaigns.sms_worker_function)
    stage.change(campaign_id, status="cancelled")
    *kept, last = stage.chunks(campaign_id)
    for chunk in kept:
        stage.stack.campaigns.update({"pk": chunk["pk"], "sk": chunk["sk"]}, "SET #lease_until = :past", {"past": 0})
    table, key = stage.stack.campaigns, {"pk": last["pk"], "sk": last["sk"]}
    assert table.delete(key, condition="#status = :open", values={"open": "open"})
    # A row that somebody changes while the sweeper looks at it.
    stage.stack.tracking.update({"message_id": ids[0]}, "SET #version = :next", {"next": 2})
    stage.edit(campaign_id, **{booked(Channel.SMS): (int(time.time()) - 60) * 1_000_000})
    stage.sweep()

    def closed() -> bool:
        meta = stage.meta(campaign_id)
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
    stage.wait_until(lambda: stage.meta(campaign_id).get("recounted"), timeout=30, what="the sweeper recounts")


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
    chunks = stage.chunks(campaign_id)
    return all(chunk["status"] == "done" or chunk["lease_until"] == 0 for chunk in chunks)
