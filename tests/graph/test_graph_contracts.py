"""What the stack agrees on with its functions, its data and its consoles: environments, tables and outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.campaign_counters.settings import CampaignCountersSettings
from lambdas.campaign_planner.settings import CampaignPlannerSettings
from lambdas.campaign_worker.settings import CampaignWorkerSettings
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.outputs import COMPONENTS, READ_ONLY, SSM_STANDARD_LIMIT, StackOutputs, parameter_prefix
from lambdas.delivery_processor.settings import DeliveryProcessorSettings
from lambdas.fallback.settings import FallbackSettings
from lambdas.message_sender.settings import MessageSenderSettings
from lambdas.session_authorizer.settings import SessionAuthorizerSettings
from lambdas.session_broadcaster.settings import SessionBroadcasterSettings
from lambdas.session_connection.settings import SessionConnectionSettings
from lambdas.session_disconnect.settings import SessionDisconnectSettings
from lambdas.session_heartbeat.settings import SessionHeartbeatSettings
from lambdas.session_notifier.settings import SessionNotifierSettings
from lambdas.session_refresh.settings import SessionRefreshSettings
from lambdas.sweeper.settings import SweeperSettings
from localcloud.graph import Secret

SETTINGS: dict[str, type[FunctionEnvironment]] = {
    settings.FUNCTION: settings
    for settings in (
        CampaignApiSettings,
        CampaignCountersSettings,
        CampaignPlannerSettings,
        CampaignWorkerSettings,
        DeliveryProcessorSettings,
        FallbackSettings,
        MessageSenderSettings,
        SessionAuthorizerSettings,
        SessionBroadcasterSettings,
        SessionConnectionSettings,
        SessionDisconnectSettings,
        SessionHeartbeatSettings,
        SessionNotifierSettings,
        SessionRefreshSettings,
        SweeperSettings,
    )
}


def test_functions_run_what_they_should(graph: Any) -> None:
    functions = graph.all("Function")
    for item in functions:
        assert item.inputs["runtime"] == "python3.13"
        assert item.inputs["architectures"] == ["arm64"]
        assert item.inputs["timeout"] != 3
        assert "lambdas/core/keys.py" in item.inputs["code"].names
    assert {item.inputs["handler"] for item in functions} == {f"lambdas.{name}.handler.handler" for name in SETTINGS}


def test_each_function_can_read_its_environment_and_gets_no_more(graph: Any) -> None:
    for item in graph.all("Function"):
        settings = SETTINGS[item.inputs["handler"].split(".")[1]]
        variables = item.inputs["environment"]["variables"]
        read = settings.from_environ(variables)
        assert read.stack == graph.recorded.stack_outputs["Stack"]
        assert set(variables) <= set(settings.variable_names().values())


def test_no_environment_holds_a_secret(graph: Any) -> None:
    secrets = {str(secret.value) for item in graph.resources() for secret in _secrets(item.inputs)}
    assert secrets, "parameters are secrets to the provider, so some are always found"
    for item in graph.all("Function"):
        variables = item.inputs["environment"]["variables"]
        assert not [name for name in variables if re.search("SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE", name)], item.urn
        assert not [name for name, value in variables.items() if any(secret in value for secret in secrets)], item.urn


def test_tables_and_indexes_are_those_of_the_data_model(graph: Any) -> None:
    tables = {
        item.inputs["name"].removeprefix("ai-cpaas-demo-").rsplit("-", 1)[0]: item.inputs for item in graph.all("Table")
    }
    expiry = {name: table["ttl"] for name, table in tables.items()}
    assert expiry == {
        **{
            name: {"attributeName": "ttl", "enabled": True}
            for name in ("campaigns", "delivery-tracking", "rate-limits", "connections")
        },
        **{name: {"attributeName": "expiresAt", "enabled": True} for name in ("sessions", "session-rate-limits")},
    }
    assert (tables["campaigns"]["hashKey"], tables["campaigns"]["rangeKey"]) == ("pk", "sk")
    keys = {name: tables[name]["hashKey"] for name in ("sessions", "connections", "session-rate-limits")}
    assert keys == {"sessions": "sessionId", "connections": "connectionId", "session-rate-limits": "identifier"}
    streams = {name: table["streamViewType"] for name, table in tables.items() if table["streamEnabled"]}
    assert streams == dict.fromkeys(("delivery-tracking", "connections"), "NEW_AND_OLD_IMAGES")
    indexes = {
        (name, index["name"]): (
            index["projectionType"],
            [(key["attributeName"], key["keyType"]) for key in index["keySchemas"]],
        )
        for name, table in tables.items()
        for index in table.get("globalSecondaryIndexes", [])
    }
    assert indexes == {
        ("campaigns", "created-index"): ("KEYS_ONLY", [("listing", "HASH"), ("created_at", "RANGE")]),
        ("delivery-tracking", "customer-index"): ("KEYS_ONLY", [("customer_id", "HASH"), ("timestamp", "RANGE")]),
        ("delivery-tracking", "provider-index"): ("KEYS_ONLY", [("provider_id", "HASH")]),
        ("delivery-tracking", "open-index"): ("KEYS_ONLY", [("open", "HASH"), ("timestamp", "RANGE")]),
        ("connections", "sessionId-targetLanguage-index"): (
            "KEYS_ONLY",
            [("sessionId", "HASH"), ("targetLanguage", "RANGE")],
        ),
    }
    assert all(table["billingMode"] == "PAY_PER_REQUEST" for table in tables.values())


def test_outputs_are_the_contracts(graph: Any) -> None:
    outputs = StackOutputs.from_mapping(graph.recorded.stack_outputs)
    assert outputs.to_mapping() == graph.recorded.stack_outputs
    assert (outputs.identity.endpoint_url != "") == (outputs.identity.environment == "local")
    assert not outputs.campaigns.api_url.endswith("/")
    blank = [key for key, value in outputs.to_variables().items() if not value]
    assert {name.split("_")[0] for name in blank} <= {"ENDPOINT", "WHATSAPP", "EMAIL", "SMS"}
    assert {name for name in blank if name.startswith("SMS")} <= {"SMS_ORIGINATION_IDENTITY"}
    for channel in ("WHATSAPP", "EMAIL"):
        ours = {name for name in outputs.to_variables() if name.startswith(channel)}
        assert ours <= set(blank) or not ours & set(blank), "a channel is on or off"


def test_outputs_name_every_queue(graph: Any) -> None:
    named = set(graph.recorded.stack_outputs.values())
    assert {str(queue.outputs["name"]) for queue in graph.all("Queue") if queue.outputs["url"] not in named} == set()


def test_parameters_hold_the_outputs_and_fit(graph: Any) -> None:
    outputs = StackOutputs.from_mapping(graph.recorded.stack_outputs)
    prefix = parameter_prefix(outputs.identity.project, outputs.identity.stack)
    # The provider hides every parameter's value, also a plain one.
    published = {item.inputs["name"]: item.inputs["value"].value for item in graph.all("Parameter")}
    assert set(published) == {prefix + part.COMPONENT for part in COMPONENTS}
    for part in outputs.components():
        text = published[prefix + part.COMPONENT]
        assert type(part).from_mapping(json.loads(text)) == part
        assert len(text.encode()) < SSM_STANDARD_LIMIT * 0.75


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_number_is_requested_unless_asked_for(evaluate: Any, stack: str) -> None:
    assert evaluate(stack).stack_outputs["SmsOriginationIdentity"] == ""


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _secrets(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _secrets(each)


def test_consoles_are_read_only_unless_the_stack_says_otherwise(graph: Any) -> None:
    assert StackOutputs.from_mapping(graph.recorded.stack_outputs).identity.console_actions == READ_ONLY
