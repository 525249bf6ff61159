"""The outputs contract: what a deployed stack tells the rest of the world about itself.

One field is one fact with three spellings, all derived here: `rate_limits_table` in Python, `RateLimitsTable` among
the stack's outputs and in SSM, `RATE_LIMITS_TABLE` in `.env.aws`. `SPELLED` has the outputs that others agreed on
before us.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

ACTIONS_ALLOWED, READ_ONLY = "allowed", "read-only"
"""What consoles may do to a stack without being told so."""
SSM_STANDARD_LIMIT = 4096
"""Bytes of a standard parameter (Systems Manager quotas page)."""


SPELLED: Mapping[str, str] = {
    "websocket_api_endpoint": "WebSocketAPIEndpoint",
    "sessions_table": "SessionsTableName",
    "connections_table": "ConnectionsTableName",
    "session_rate_limits_table": "SessionRateLimitsTableName",
}
"""Field -> output name, where it is not the field's words one after the other."""

SESSION_STAGE = "prod"
"""Stage of the sessions' WebSocket API, with which `WebSocketAPIEndpoint` ends in every environment."""


class OutputsError(ValueError):
    """A set of outputs lacks something the contract asks for; the message names it."""


def output_name(field: str) -> str:
    """`rate_limits_table` -> `RateLimitsTable`."""
    return SPELLED.get(field) or "".join(word.capitalize() for word in field.split("_"))


def variable_name(field: str) -> str:
    """`rate_limits_table` -> `RATE_LIMITS_TABLE`."""
    return field.upper()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ComponentOutputs:
    """Base of one component's outputs; every field is text."""

    COMPONENT: ClassVar[str] = ""

    def to_mapping(self) -> dict[str, Any]:
        """Output name -> value (in the program: possibly a Pulumi output)."""
        return {output_name(f.name): getattr(self, f.name) for f in dataclasses.fields(self)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Read the component back from its output names; raises `OutputsError` naming what is missing."""
        missing = [
            output_name(f.name)
            for f in dataclasses.fields(cls)
            if f.default is dataclasses.MISSING and values.get(output_name(f.name)) is None
        ]
        if missing:
            raise OutputsError(f"the {cls.COMPONENT} outputs lack {', '.join(missing)}")
        return cls(
            **{
                f.name: values[output_name(f.name)]
                for f in dataclasses.fields(cls)
                if values.get(output_name(f.name)) is not None
            }
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackIdentity(ComponentOutputs):
    """Which stack this is and where it runs; `endpoint_url` only in the environment `local`. `console_actions` is
    ACTIONS_ALLOWED or READ_ONLY."""

    COMPONENT: ClassVar[str] = "stack"

    project: str
    stack: str
    environment: str
    region: str
    account_id: str
    version: str
    endpoint_url: str = ""
    console_actions: str = READ_ONLY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessagingOutputs(ComponentOutputs):
    """Tables, queues and identities of the messaging stack; what belongs to a channel that is off is empty."""

    COMPONENT: ClassVar[str] = "messaging"

    rate_limits_table: str
    delivery_tracking_table: str
    messaging_role_arn: str
    receipts_queue_url: str
    receipts_dead_letter_queue_url: str
    receipts_topic_arn: str
    delivery_processor_function: str
    sms_configuration_set: str
    sms_origination_identity: str
    sms_parts_per_second: str
    whatsapp_phone_number_id: str = ""
    whatsapp_business_account_id: str = ""
    whatsapp_receipts_topic_arn: str = ""
    whatsapp_messages_per_second: str = ""
    email_sender: str = ""
    email_configuration_set: str = ""
    email_receipts_topic_arn: str = ""
    email_messages_per_second: str = ""

    def rates(self) -> dict[str, float]:
        """Message parts per second that each channel's identity is configured for, of the channels that are on."""
        texts = {
            "sms": self.sms_parts_per_second,
            "whatsapp": self.whatsapp_messages_per_second,
            "email": self.email_messages_per_second,
        }
        return {channel: float(text) for channel, text in texts.items() if text}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutboxOutputs(ComponentOutputs):
    """Where single messages are put, what sends them, and what looks after those that did not arrive."""

    COMPONENT: ClassVar[str] = "outbox"

    outbox_queue_url: str
    outbox_dead_letter_queue_url: str
    legs_queue_url: str
    legs_dead_letter_queue_url: str
    message_sender_function: str
    fallback_queue_url: str
    fallback_dead_letter_queue_url: str
    fallback_function: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CampaignOutputs(ComponentOutputs):
    """The campaign API and what stands behind it; what belongs to a channel that is off is empty."""

    COMPONENT: ClassVar[str] = "campaigns"

    api_url: str
    campaigns_table: str
    content_bucket: str
    plan_queue_url: str
    plan_dead_letter_queue_url: str
    sms_work_queue_url: str
    sms_work_dead_letter_queue_url: str
    sweep_queue_url: str
    sweep_dead_letter_queue_url: str
    campaign_counters_dead_letter_queue_url: str
    campaign_api_function: str
    campaign_planner_function: str
    sms_worker_function: str
    campaign_counters_function: str
    sweeper_function: str
    whatsapp_work_queue_url: str = ""
    whatsapp_work_dead_letter_queue_url: str = ""
    whatsapp_worker_function: str = ""
    email_work_queue_url: str = ""
    email_work_dead_letter_queue_url: str = ""
    email_worker_function: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SessionOutputs(ComponentOutputs):
    """Where sessions are joined, who their speakers are, and what stands behind it; empty where sessions are off."""

    COMPONENT: ClassVar[str] = "sessions"

    websocket_api_endpoint: str = ""
    sessions_table: str = ""
    connections_table: str = ""
    session_rate_limits_table: str = ""
    session_user_pool_id: str = ""
    session_client_id: str = ""
    session_sweep_queue_url: str = ""
    session_sweep_dead_letter_queue_url: str = ""
    session_notifier_dead_letter_queue_url: str = ""
    session_authorizer_function: str = ""
    session_connection_function: str = ""
    session_heartbeat_function: str = ""
    session_disconnect_function: str = ""
    session_refresh_function: str = ""
    session_broadcaster_function: str = ""
    session_notifier_function: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringOutputs(ComponentOutputs):
    """Where alarms go, how this stack's alarms are found (`alarm_name_prefix` for DescribeAlarms), its dashboards."""

    COMPONENT: ClassVar[str] = "monitoring"

    warning_topic_arn: str
    critical_topic_arn: str
    alarm_name_prefix: str
    business_dashboard: str
    resources_dashboard: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackOutputs:
    """All outputs of a stack, one object per component."""

    identity: StackIdentity
    messaging: MessagingOutputs
    outbox: OutboxOutputs
    campaigns: CampaignOutputs
    sessions: SessionOutputs
    monitoring: MonitoringOutputs

    def components(self) -> list[ComponentOutputs]:
        """The components in declaration order."""
        return [getattr(self, f.name) for f in dataclasses.fields(self)]

    def to_mapping(self) -> dict[str, Any]:
        """All outputs in one flat mapping of output names, as `pulumi stack output --json` prints them."""
        return {name: value for part in self.components() for name, value in part.to_mapping().items()}

    def to_variables(self) -> dict[str, str]:
        """Shell variables for `.env.aws`: `RATE_LIMITS_TABLE` and the rest."""
        return {
            variable_name(f.name): str(getattr(part, f.name))
            for part in self.components()
            for f in dataclasses.fields(part)
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_mapping`; outputs this version does not know are ignored."""
        return cls(
            identity=StackIdentity.from_mapping(values),
            messaging=MessagingOutputs.from_mapping(values),
            outbox=OutboxOutputs.from_mapping(values),
            campaigns=CampaignOutputs.from_mapping(values),
            sessions=SessionOutputs.from_mapping(values),
            monitoring=MonitoringOutputs.from_mapping(values),
        )


COMPONENTS: tuple[type[ComponentOutputs], ...] = (
    StackIdentity,
    MessagingOutputs,
    OutboxOutputs,
    CampaignOutputs,
    SessionOutputs,
    MonitoringOutputs,
)


def parameter_prefix(project: str, stack: str) -> str:
    """SSM path under which a stack publishes one parameter per component."""
    return f"/{project}/{stack}/outputs/"
