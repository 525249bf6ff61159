"""Queues: encrypted, TLS only, each with a dead-letter queue that accepts only its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.iam import READ, WRITE, Statement, document, service_allow, tls_only
from components.measures import Measure
from components.platform import Platform

VISIBILITY_FACTOR = 6
"""Visibility time-out over the consumer's time-out (Lambda developer guide, "Using Lambda with Amazon SQS")."""

MAX_MESSAGE_BYTES = 262_144
"""Set explicitly: SQS now allows more, and what is written to a queue must be readable everywhere."""

DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400
"""The longest SQS allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An AWS service that may put messages into a queue on behalf of one source (a rule, a topic)."""

    sid: str
    service: str
    source_arn: pulumi.Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueArgs:
    """A queue for one function.

    `consumer_timeout_seconds` is that function's time-out; after `max_receives` attempts a message goes to the
    dead-letter queue; the alarm rises when the oldest message is older than `max_age_seconds`, and calls somebody at
    four times that.
    """

    thing: str
    consumer_timeout_seconds: int
    max_receives: int
    max_age_seconds: int
    retention_seconds: int = 4 * 86_400
    senders: Sequence[Sender] = ()


class DeadLetterQueue(pulumi.ComponentResource):
    """The place for what could not be processed, kept 14 days; any message in it is an alarm."""

    queue: aws.sqs.Queue
    thing: str
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        thing: str,
        platform: Platform,
        *,
        senders: Sequence[Sender] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:queue:DeadLetterQueue", name, {}, opts)
        self.thing = thing
        self.queue = aws.sqs.Queue(
            f"{name}-queue",
            name=platform.site.physical(thing),
            message_retention_seconds=DEAD_LETTER_RETENTION_SECONDS,
            max_message_size=MAX_MESSAGE_BYTES,
            kms_master_key_id=platform.key_arn,
            tags=platform.site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name, self.arn, self.url = self.queue.name, self.queue.arn, self.queue.url
        self.ready = [_policy(f"{name}-policy", self, self.queue, senders)]
        alarms.alarm(
            f"{name}-not-empty",
            parent=self,
            platform=platform,
            family=alarm_families.DEAD_LETTERS,
            subject=thing,
            # Messages visible, not sent: redriven messages are not counted as sent.
            watched=self.measure("ApproximateNumberOfMessagesVisible", "Maximum", 60),
            limit=alarms.Limit(value=0),
        )
        platform.inventory.dead_letter_queues.append(self)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def send(self, sid: str) -> Statement:
        """The right to put messages in."""
        return Statement(sid=sid, actions=["sqs:SendMessage"], resources=[self.arn], key_actions=WRITE)

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric that SQS publishes for this queue."""
        return _measure(self.name, metric, statistic, period)


class Queue(pulumi.ComponentResource):
    """A queue, its dead-letter queue and the alarm on its age; `ready` holds the policies that let senders in."""

    queue: aws.sqs.Queue
    dead_letters: DeadLetterQueue
    thing: str
    visibility_seconds: int
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: QueueArgs, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:queue:Queue", name, {}, opts)
        self.thing = args.thing
        self.visibility_seconds = VISIBILITY_FACTOR * args.consumer_timeout_seconds
        self.dead_letters = DeadLetterQueue(
            f"{name}-dead-letters",
            f"{args.thing}-dlq",
            platform,
            senders=args.senders,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.queue = aws.sqs.Queue(
            f"{name}-queue",
            name=platform.site.physical(args.thing),
            visibility_timeout_seconds=self.visibility_seconds,
            message_retention_seconds=args.retention_seconds,
            max_message_size=MAX_MESSAGE_BYTES,
            receive_wait_time_seconds=20,
            kms_master_key_id=platform.key_arn,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": args.max_receives}
            ),
            tags=platform.site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name, self.arn, self.url = self.queue.name, self.queue.arn, self.queue.url
        # A resource of its own: as an input of the dead-letter queue it would make a cycle with the redrive policy.
        aws.sqs.RedriveAllowPolicy(
            f"{name}-redrive-allow",
            queue_url=self.dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.arn]}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [_policy(f"{name}-policy", self, self.queue, args.senders), *self.dead_letters.ready]
        alarms.alarm(
            f"{name}-age",
            parent=self,
            platform=platform,
            family=alarm_families.QUEUE_AGE,
            subject=args.thing,
            watched=self.measure("ApproximateAgeOfOldestMessage", "Maximum", 60),
            limit=alarms.Limit(value=args.max_age_seconds, points=3),
        )
        platform.inventory.queues.append(self)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def send(self, sid: str) -> Statement:
        """The right to put messages in."""
        return Statement(sid=sid, actions=["sqs:SendMessage"], resources=[self.arn], key_actions=WRITE)

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric that SQS publishes for this queue."""
        return _measure(self.name, metric, statistic, period)

    def consume(self, sid: str, *, hold: bool = False) -> Statement:
        """What a mapping needs of the function's role; `hold` lets the function itself keep a message invisible."""
        mapping = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        return Statement(
            sid=sid,
            actions=[*mapping, "sqs:ChangeMessageVisibility"] if hold else mapping,
            resources=[self.arn],
            key_actions=READ,
        )


def _measure(queue: pulumi.Output[str], metric: str, statistic: str, period: int) -> Measure:
    """SQS developer guide, "Available CloudWatch metrics for Amazon SQS"."""
    return Measure(
        namespace="AWS/SQS", name=metric, dimensions={"QueueName": queue}, statistic=statistic, period=period
    )


def _policy(name: str, parent: pulumi.Resource, queue: aws.sqs.Queue, senders: Sequence[Sender]) -> aws.sqs.QueuePolicy:
    return aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=document(
            [
                tls_only(queue.arn, "sqs:*"),
                *(
                    service_allow(
                        sid=sender.sid,
                        service=sender.service,
                        action="sqs:SendMessage",
                        resource=queue.arn,
                        source_arn=sender.source_arn,
                    )
                    for sender in senders
                ),
            ]
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
