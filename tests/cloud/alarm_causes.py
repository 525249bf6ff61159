"""What makes each family's alarms rise on an embedded stack, and what ends it.

A cause is a context manager: inside it the thing is wrong, after it no more. Most causes are the real thing; those
that an emulator cannot have (slow machines, a throttling DynamoDB) put data on exactly the metric that the alarm reads.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal

from lambdas.core import keys, metrics
from lambdas.core.channels import Channel
from lambdas.core.pumping_guard import GuardLimits
from localcloud.profile import BUILT_IN, CarrierProfile
from tests.cloud import session_causes
from tests.cloud.alarm_stage import Alarm, Stage, dimension
from tests.cloud.campaign_client import message_order

FAR_MINUTE = 10**9
FAILING_AND_THROTTLING = CarrierProfile(
    seed=7,
    failure_rate=1.0,
    # Failures that suppress nobody: the next campaign goes to the same recipients.
    failure_mix={"UNREACHABLE": 1, "131026": 1, "bounce_transient": 1},
    throttle_rate=0.4,
)


def _channels(alarms: Iterable[Alarm]) -> list[Channel]:
    """Channels that the alarms' metrics are about."""
    named = {
        each["Value"]
        for alarm in alarms
        for metric in [*(query.get("MetricStat", {}).get("Metric", {}) for query in alarm.get("Metrics", [])), alarm]
        for each in metric.get("Dimensions", [])
        if each["Name"] == metrics.CHANNEL
    }
    return [channel for channel in Channel if channel.metric in named]


@contextmanager
def _data(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Data on exactly what the alarms read, beyond the threshold in as many periods as it takes."""
    now = datetime.datetime.now(datetime.UTC)
    for alarm in alarms:
        stat = next((each["MetricStat"] for each in reversed(alarm.get("Metrics", [])) if "MetricStat" in each), None)
        metric = stat["Metric"] if stat else alarm
        period = stat["Period"] if stat else alarm["Period"]
        stage.cloudwatch.put_metric_data(
            Namespace=metric["Namespace"],
            MetricData=[
                {
                    "MetricName": metric["MetricName"],
                    "Dimensions": metric["Dimensions"],
                    "Timestamp": now - datetime.timedelta(seconds=back * period),
                    # Many of them: a percentile must not see the few real values beside it.
                    "Values": [2 * alarm["Threshold"] + 1],
                    "Counts": [10_000],
                }
                for back in range(alarm["EvaluationPeriods"])
            ],
        )
    yield


@contextmanager
def _errors(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    names = [dimension(alarm, "FunctionName") for alarm in alarms]
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        for name in names:
            stack.enter_context(stage.broken(name))
        list(pool.map(lambda name: stage.functions.invoke(FunctionName=name, Payload=b"{}"), names * 11))
        yield


@contextmanager
def _refused(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Reserved concurrency of nothing."""
    names = [dimension(alarm, "FunctionName") for alarm in alarms]
    try:
        for name in names:
            stage.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        for name in names * 11:
            with suppress(stage.functions.exceptions.TooManyRequestsException):
                stage.functions.invoke(FunctionName=name, Payload=b"{}")
        yield
    finally:
        for name in names:
            stage.functions.delete_function_concurrency(FunctionName=name)
        stage.purge()


@contextmanager
def _dead_letters(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    for alarm in alarms:
        url = stage.queue_url(dimension(alarm, "QueueName"))
        stage.sqs.send_message(QueueUrl=url, MessageBody="could not be processed")
    yield
    stage.purge()


@contextmanager
def _standing_queues(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    names = {dimension(alarm, "QueueName") for alarm in alarms}
    mappings = [mapping["UUID"] for name in names for mapping in stage.mappings(name)]
    for uuid_ in mappings:
        stage.functions.update_event_source_mapping(UUID=uuid_, Enabled=False)
    for name in names:
        stage.sqs.send_message(QueueUrl=stage.queue_url(name), MessageBody="waits")
    stage.cloud.control.advance_clock(max(alarm["Threshold"] for alarm in alarms) + 300)
    try:
        yield
    finally:
        stage.purge()
        for uuid_ in mappings:
            stage.functions.update_event_source_mapping(UUID=uuid_, Enabled=True)


@contextmanager
def _lag(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Batches of each stream that fail and are tried again while time goes by; the next one before one is given up."""
    names = {alarm["AlarmName"] for alarm in alarms}

    def all_lag() -> bool:
        stage.stack.tracking.update({"message_id": f"lag-{uuid.uuid4().hex}"}, "SET #flag = :flag", {"flag": "lag"})
        session_causes.stir(stage)
        states = stage.cloud.control.advance_clock(420)
        return all(states[name] == "ALARM" for name in names)

    with ExitStack() as stack:
        for alarm in alarms:
            stack.enter_context(stage.broken(dimension(alarm, "FunctionName")))
        stage.wait_until(all_lag)
        yield


@contextmanager
def _api_errors(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    with stage.broken(stage.stack.outputs.campaigns.campaign_api_function):
        answers = [stage.stack.call("GET", "/api/environment")[0] for _ in range(6)]
        assert min(answers) >= 500
        yield


@contextmanager
def _closed_targets(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Queues that let no rule in, while the clock ticks and receipts come."""
    rules = {dimension(alarm, "RuleName") for alarm in alarms}
    targets = [target for rule in rules for target in stage.events.list_targets_by_rule(Rule=rule)["Targets"]]
    with ExitStack() as stack:
        for queue in {target["Arn"].rpartition(":")[2] for target in targets}:
            stack.enter_context(stage.closed(queue))
        for channel in Channel:
            stage.stack.send_message(channel)
        yield


@contextmanager
def _deaf_subscribers(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """A subscriber of each topic whose queue's policy does not let the topic in."""
    topics = {arn["TopicArn"].rpartition(":")[2]: arn["TopicArn"] for arn in stage.sns.list_topics()["Topics"]}
    url = stage.sqs.create_queue(QueueName=f"deaf-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    deaf = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscriptions = []
    for alarm in alarms:
        topic = topics[dimension(alarm, "TopicName")]
        made = stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=deaf, ReturnSubscriptionArn=True)
        subscriptions.append(made["SubscriptionArn"])
        stage.sns.publish(TopicArn=topic, Message="not for everybody")
    try:
        yield
    finally:
        for arn in subscriptions:
            stage.sns.unsubscribe(SubscriptionArn=arn)
        stage.sqs.delete_queue(QueueUrl=url)
        stage.purge()


@contextmanager
def _bad_campaign(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Sixty messages on the alarms' channel, else over all of them, to carriers that throttle and deliver none."""
    channels = _channels(alarms) or list(Channel)
    stage.cloud.control.set_carrier_profile(FAILING_AND_THROTTLING)
    every = {metrics.STACK: stage.stack.outputs.identity.stack}

    def throttled() -> list[float]:
        by_channel = ({**every, metrics.CHANNEL: channel.metric} for channel in channels)
        return [stage.total(metrics.THROTTLED_MESSAGES, dimensions) for dimensions in by_channel]

    failed_before, throttled_before = stage.total(metrics.FAILED_DELIVERIES, every), throttled()
    campaign = stage.stack.send_campaign(60, 60, key=uuid.uuid4().hex, channels=channels)
    stage.wait_until(lambda: stage.stack.show(campaign)["settled"], timeout=60, what="the campaign is settled")
    stage.wait_until(lambda: stage.total(metrics.FAILED_DELIVERIES, every) >= failed_before + 60)
    few = 10 // len(channels)
    stage.wait_until(lambda: all(now > was + few for now, was in zip(throttled(), throttled_before, strict=True)))
    yield
    stage.cloud.control.set_carrier_profile(BUILT_IN["smooth"])


@contextmanager
def _failing_campaign(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """A campaign whose provider answers every call with an error of its own, which pauses it."""
    stage.cloud.control.set_carrier_profile(CarrierProfile(error_rate=1.0))
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    before = stage.total(metrics.CAMPAIGNS_AUTO_PAUSED, every)
    campaign = stage.stack.send_campaign(70, 60, key=uuid.uuid4().hex)
    stage.wait_until(lambda: stage.total(metrics.CAMPAIGNS_AUTO_PAUSED, every) > before, timeout=30)
    shown = stage.stack.show(campaign)
    assert (shown["status"], shown["pause_reason"]) == ("paused", "error_rate")
    yield
    stage.cloud.control.set_carrier_profile(BUILT_IN["smooth"])


@contextmanager
def _booked_out(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """The limiters' records of leases that waited for nearly a minute, as the sweeper reads them."""
    outputs = stage.stack.outputs
    identities = {
        Channel.SMS: outputs.messaging.sms_origination_identity,
        Channel.WHATSAPP: outputs.messaging.whatsapp_phone_number_id,
        Channel.EMAIL: outputs.messaging.email_sender,
    }
    waiting = _channels(alarms)

    def note(wait_s: int, minute: int) -> None:
        for channel in waiting:
            key = {"limiter_key": keys.limiter(channel, outputs.identity.region, identities[channel])}
            changes = {"slowest_wait": Decimal(wait_s), "slowest_wait_minute": minute}
            stage.stack.rate_limits.update(key, f"SET {', '.join(f'#{name} = :{name}' for name in changes)}", changes)

    note(59, FAR_MINUTE)
    yield
    note(0, 0)


@contextmanager
def _late_orders(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """A single message that somebody ordered long ago, and that is sent only now."""
    oldest_s = max(alarm["Threshold"] for alarm in alarms) + 60
    ordered_at_ms = int((datetime.datetime.now(datetime.UTC).timestamp() - oldest_s) * 1_000)
    order = message_order(Channel.SMS, message_id=f"late-{uuid.uuid4().hex}", ordered_at_ms=ordered_at_ms)
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    before = stage.total(metrics.OUTBOX_AGE, every)
    stage.sqs.send_message(QueueUrl=stage.stack.outputs.outbox.outbox_queue_url, MessageBody=json.dumps(order))
    stage.wait_until(
        lambda: stage.total(metrics.OUTBOX_AGE, every) >= before + oldest_s, timeout=30, what="it is sent, late"
    )
    yield


@contextmanager
def _counted_up(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    """Somebody asks for codes to one number after the other."""
    run = uuid.uuid4().hex
    orders = [
        message_order(Channel.SMS, message_id=f"pumped-{run}-{place}", phone=f"+120677711{place:02d}")
        for place in range(GuardLimits().numbers + 5)
    ]
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    before = stage.total(metrics.PUMPING_BLOCKED, every)
    for order in orders:
        stage.sqs.send_message(QueueUrl=stage.stack.outputs.outbox.outbox_queue_url, MessageBody=json.dumps(order))
    stage.wait_until(
        lambda: stage.total(metrics.PUMPING_BLOCKED, every) > before, timeout=30, what="the guard holds them back"
    )
    yield


@contextmanager
def _strange_event(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    before = stage.total(metrics.PARKED_EVENTS, every)
    url = stage.stack.outputs.messaging.receipts_queue_url
    stage.sqs.send_message(QueueUrl=url, MessageBody='{"not": "a receipt"}')
    stage.wait_until(lambda: stage.total(metrics.PARKED_EVENTS, every) > before, what="the event is parked")
    yield
    stage.purge()


def _no_ticks(of: str) -> Callable[[Stage, Iterable[Alarm]], AbstractContextManager[None]]:
    """The clock behind the queue called `of` stands."""

    @contextmanager
    def cause(stage: Stage, alarms: Iterable[Alarm]) -> Iterator[None]:
        identity = stage.stack.outputs.identity
        rule = f"{identity.project}-{of}-{identity.stack}"
        assert "ScheduleExpression" in stage.events.describe_rule(Name=rule)
        stage.events.disable_rule(Name=rule)
        try:
            yield
        finally:
            stage.events.enable_rule(Name=rule)

    return cause


@dataclass(frozen=True)
class Cause:
    """How a family's alarms are made to rise; `real` says whether by the metric's own source."""

    bring_about: Callable[[Stage, list[Alarm]], AbstractContextManager[None]]
    real: bool = True


DATA = Cause(_data, real=False)
CAUSES: Mapping[str, Cause] = {
    "sms-throttled": Cause(_bad_campaign),
    "whatsapp-throttled": Cause(_bad_campaign),
    "email-throttled": Cause(_bad_campaign),
    "failed-deliveries": Cause(_bad_campaign),
    "available-capacity": Cause(_booked_out),
    "parked-events": Cause(_strange_event),
    "overdue-receipts": DATA,
    "campaigns-auto-paused": Cause(_failing_campaign),
    "in-doubt": DATA,
    "sweeper-heartbeat": Cause(_no_ticks("sweep")),
    "dead-letter-queue": Cause(_dead_letters),
    "function-errors": Cause(_errors),
    "function-throttled": Cause(_refused),
    "function-duration": DATA,
    "stream-lag": Cause(_lag),
    "queue-age": Cause(_standing_queues),
    "outbox-age": Cause(_late_orders),
    "pumping-guard": Cause(_counted_up),
    "table-throttled": DATA,
    "table-errors": DATA,
    "api-errors": Cause(_api_errors),
    "api-latency": DATA,
    "rule-failures": Cause(_closed_targets),
    "topic-failures": Cause(_deaf_subscribers),
    "websocket-errors": Cause(session_causes.broken_door),
    "session-creation": DATA,
    "connection-errors": Cause(session_causes.strangers),
    "active-sessions": Cause(session_causes.crowd),
    "session-heartbeat": Cause(_no_ticks("session-sweep")),
    "stack-down": Cause(_no_ticks("sweep")),
}
"""By family. Data are put where rows would have to age, machines to be slow, or AWS itself to refuse or fail."""
