"""Outputs of a stack that is nowhere."""

from __future__ import annotations

import dataclasses

from lambdas.core.outputs import (
    CampaignOutputs,
    MessagingOutputs,
    MonitoringOutputs,
    OutboxOutputs,
    SessionOutputs,
    StackIdentity,
    StackOutputs,
)

PROJECT = "ai-cpaas-demo"


def fake_outputs(environment: str = "local") -> StackOutputs:
    """Each name is its own value, functions are called as in AWS."""
    stack = environment

    def named(kind: type) -> dict[str, str]:
        return {f.name: _value(f.name, stack) for f in dataclasses.fields(kind)}

    messaging = named(MessagingOutputs) | {
        "sms_parts_per_second": "100",
        "whatsapp_messages_per_second": "",
        "email_messages_per_second": "",
    }
    return StackOutputs(
        identity=StackIdentity(
            project=PROJECT,
            stack=stack,
            environment=environment,
            region="us-east-1",
            account_id="000000000000",
            version="0.1.0",
            endpoint_url="http://127.0.0.1:9" if environment == "local" else "",
        ),
        messaging=MessagingOutputs(**messaging),
        outbox=OutboxOutputs(**named(OutboxOutputs)),
        campaigns=CampaignOutputs(**named(CampaignOutputs)),
        sessions=SessionOutputs(**named(SessionOutputs)),
        monitoring=MonitoringOutputs(**named(MonitoringOutputs) | {"alarm_name_prefix": f"{PROJECT}-local-"}),
    )


def _value(field: str, stack: str) -> str:
    words = field.replace("_", "-")
    return f"{PROJECT}-{words.removesuffix('-function')}-{stack}" if field.endswith("_function") else f"fake-{words}"
