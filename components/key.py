"""The stack's encryption key and the table of services that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam import DECRYPT, GENERATE_DATA_KEY, document
from components.naming import Site, partition_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A service that must use the key because it puts something into `target`, which is encrypted with it.

    Without its statement the service fails silently on AWS. A condition that AWS does not evaluate for this use fails
    as silently, so each is one that AWS documents (see `edges`); what may reach the target is bounded a second time by
    the target's own policy.
    """

    sid: str
    service: str
    target: str
    actions: tuple[str, ...] = (DECRYPT, GENERATE_DATA_KEY)
    condition: Mapping[str, Any] = field(default_factory=dict)


def edges(site: Site) -> tuple[Edge, ...]:
    """Every service that writes to something encrypted in a stack with these settings, and no other.

    Sources: SNS developer guide "Key management" (both source keys for every service that publishes to a topic,
    neither for EventBridge), AWS CDK's SqsSubscription (`aws:SourceArn` of the topic), End User Messaging SMS user
    guide "Topic policies for Amazon SNS topics", End User Messaging Social user guide "Add a message and event
    destination", SES developer guide "Configuring Amazon SNS notifications", CloudWatch Logs user guide "Encrypt log
    data".
    """
    settings = site.settings
    found = [
        Edge(sid="EventBridgeToQueues", service="events.amazonaws.com", target="queue"),
        Edge(
            sid="TopicsToQueues",
            service="sns.amazonaws.com",
            target="queue",
            condition={"ArnLike": {"aws:SourceArn": site.arn("sns", site.physical("*"))}},
        ),
        _publisher(site, "SmsReceiptsToTopic", "sms-voice", "*"),
    ]
    if settings.whatsapp is not None:
        found.append(_publisher(site, "WhatsAppReceiptsToTopic", "social-messaging", "*"))
    if settings.email is not None:
        found.append(_publisher(site, "EmailReceiptsToTopic", "ses", "*"))
    if site.policy.notify:
        found.append(_publisher(site, "AlarmsToTopics", "cloudwatch", f"alarm:{site.alarm_prefix}*"))
    return (*found, _log_groups(site))


def _publisher(site: Site, sid: str, service: str, source: str) -> Edge:
    """A service of this account and region that publishes to a topic on behalf of its own resources."""
    return Edge(
        sid=sid,
        service=f"{service}.amazonaws.com",
        target="topic",
        condition={
            "StringEquals": {"aws:SourceAccount": site.account_id},
            "ArnLike": {"aws:SourceArn": site.arn(service, source)},
        },
    )


def _log_groups(site: Site) -> Edge:
    return Edge(
        sid="LogGroups",
        service=f"logs.{site.region}.amazonaws.com",
        target="log group",
        actions=(
            DECRYPT,
            "kms:DescribeKey",
            "kms:Encrypt",
            GENERATE_DATA_KEY,
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ),
        condition={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": site.arn("logs", f"log-group:/{site.project}/{site.stack}/*")
            }
        },
    )


class StackKey(pulumi.ComponentResource):
    """One customer-managed key, rotated every year, for all tables, queues, topics, logs and objects of the stack.

    Its policy names services and the account, never a role: role and key would make a cycle. Roles get their use of
    it from their own policies, which the account's statement makes possible.
    """

    key: aws.kms.Key
    arn: pulumi.Output[str]

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:key:StackKey", name, {}, opts)
        self.key = aws.kms.Key(
            f"{name}-key",
            description=f"Data of {site.project} {site.stack}",
            enable_key_rotation=True,
            deletion_window_in_days=site.policy.key_deletion_days,
            policy=document([_account(site), *(_service(edge) for edge in edges(site))]),
            tags=site.named("key"),
            opts=pulumi.ResourceOptions(
                parent=self, protect=site.policy.protect, retain_on_delete=site.policy.retain_data
            ),
        )
        self.arn = self.key.arn
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{site.project}-{site.stack}",
            target_key_id=self.key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"arn": self.arn})


def _account(site: Site) -> dict[str, Any]:
    """The default statement of AWS: without it no IAM policy could ever grant use of the key, nor repair its policy."""
    return {
        "Sid": "AccountAndItsPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition_of(site.region)}:iam::{site.account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def _service(edge: Edge) -> dict[str, Any]:
    return {
        "Sid": edge.sid,
        "Effect": "Allow",
        "Principal": {"Service": edge.service},
        "Action": sorted(edge.actions),
        "Resource": "*",
        **({"Condition": dict(edge.condition)} if edge.condition else {}),
    }
