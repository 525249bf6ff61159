"""Queues, mappings, functions, API and outputs: what flows where, and in which order it comes to be."""

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


def test_every_queue_has_a_dead_letter_queue_or_is_one(graph: Any) -> None:
    queues = graph.all("Queue")
    sources = [item for item in queues if "redrivePolicy" in item.inputs]
    dead = {json.loads(item.inputs["redrivePolicy"])["deadLetterTargetArn"] for item in sources}
    failures = {
        item.inputs["destinationConfig"]["onFailure"]["destinationArn"]
        for item in graph.all("EventSourceMapping")
        if "destinationConfig" in item.inputs
    }
    assert {str(item.outputs["arn"]) for item in queues if item not in sources} == dead | failures
    assert len(dead) == len(sources)


def test_a_dead_letter_queue_takes_only_its_own(graph: Any) -> None:
    allowed = {
        item.inputs["queueUrl"]: json.loads(item.inputs["redriveAllowPolicy"])
        for item in graph.all("RedriveAllowPolicy")
    }
    for queue in graph.all("Queue"):
        if "redrivePolicy" in queue.inputs:
            target = graph.by_arn(json.loads(queue.inputs["redrivePolicy"])["deadLetterTargetArn"])
            assert allowed[target.outputs["url"]] == {
                "redrivePermission": "byQueue",
                "sourceQueueArns": [queue.outputs["arn"]],
            }
            assert target.inputs["messageRetentionSeconds"] == 1_209_600


def test_messages_stay_hidden_while_a_function_may_work_on_them(graph: Any) -> None:
    for mapping in _queue_mappings(graph):
        queue = graph.by_arn(mapping.inputs["eventSourceArn"])
        function = _function(graph, mapping)
        assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * function.inputs["timeout"], mapping.urn


def test_message_size_is_set(graph: Any) -> None:
    assert {item.inputs["maxMessageSize"] for item in graph.all("Queue")} == {262_144}


def test_queue_mappings_report_single_failures_and_bound_concurrency(graph: Any) -> None:
    mappings = _queue_mappings(graph)
    functions = [item.inputs["functionName"] for item in mappings]
    called = {item.inputs["function"] for item in graph.all("Permission")}
    reading = {item.inputs["functionName"] for item in _stream_mappings(graph)}
    everybody = {item.inputs["name"] for item in graph.all("Function")}
    assert len({item.inputs["eventSourceArn"] for item in mappings}) == len(mappings), "a queue has one consumer"
    twice = [_function(graph, item) for item in mappings if functions.count(item.inputs["functionName"]) > 1]
    sender = [item.inputs["handler"].split(".")[1] for item in twice]
    assert sender == ["message_sender"] * 2, "single messages, and the legs of campaigns"
    assert {*functions, *called, *reading} == everybody, "a queue, an API or a stream invokes each of them"
    assert not called & {*functions, *reading}
    for item in mappings:
        assert item.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= item.inputs["scalingConfig"]["maximumConcurrency"] <= 1000
        assert item.inputs["batchSize"] <= 10 or item.inputs["maximumBatchingWindowInSeconds"] >= 1


def test_stream_mappings_give_up_loudly(graph: Any) -> None:
    mappings = {_function(graph, item).inputs["handler"].split(".")[1]: item for item in _stream_mappings(graph)}
    assert set(mappings) == {"campaign_counters", "session_notifier"}
    for item in mappings.values():
        assert graph.by_arn(item.inputs["destinationConfig"]["onFailure"]["destinationArn"])
    counters = mappings["campaign_counters"].inputs
    assert (counters["batchSize"], counters["maximumRetryAttempts"]) == (500, 5)
    assert counters["bisectBatchOnFunctionError"] is False
    assert "functionResponseTypes" not in counters
    assert "filterCriteria" not in counters
    notifier = mappings["session_notifier"].inputs
    assert (notifier["batchSize"], notifier["maximumRetryAttempts"]) == (10, 3)
    assert notifier["bisectBatchOnFunctionError"] is True
    assert notifier["functionResponseTypes"] == ["ReportBatchItemFailures"]
    (only,) = notifier["filterCriteria"]["filters"]
    assert json.loads(only["pattern"]) == {"eventName": ["INSERT"]}


def test_nothing_invokes_a_function_before_its_rights_are_attached(graph: Any) -> None:
    policies = {item.inputs["role"]: item.urn for item in graph.all("RolePolicy")}
    for mapping in graph.all("EventSourceMapping"):
        assert policies[graph.role_of(_function(graph, mapping))] in mapping.dependencies, mapping.urn
    for function in graph.all("Function"):
        assert policies[graph.role_of(function)] in function.dependencies, function.urn


def test_nothing_uses_a_queue_before_its_policy_stands(graph: Any) -> None:
    policies = {item.inputs["queueUrl"]: item.urn for item in graph.all("QueuePolicy")}
    for user, arn in [
        *((item, item.inputs["eventSourceArn"]) for item in _queue_mappings(graph)),
        *((item, item.inputs["arn"]) for item in graph.all("EventTarget")),
        *((item, item.inputs["deadLetterConfig"]["arn"]) for item in graph.all("EventTarget")),
        *((i, i.inputs["endpoint"]) for i in graph.all("TopicSubscription") if i.inputs["protocol"] == "sqs"),
        *(
            (item, item.inputs["destinationConfig"]["onFailure"]["destinationArn"])
            for item in graph.all("EventSourceMapping")
            if "destinationConfig" in item.inputs
        ),
    ]:
        assert policies[graph.by_arn(arn).outputs["url"]] in user.dependencies, user.urn


def test_no_service_publishes_before_its_topic_lets_it_in(graph: Any) -> None:
    policies = {item.inputs["arn"]: item.urn for item in graph.all("TopicPolicy")}
    published = [
        (item, arn)
        for item in graph.resources()
        if item.type.endswith("EventDestination")
        for arn in policies
        if arn in json.dumps(item.inputs, default=str)
    ]
    assert published
    for destination, arn in published:
        assert policies[arn] in destination.dependencies, destination.urn


def test_an_api_is_open_only_when_all_of_it_stands(graph: Any) -> None:
    for protocol in ("HTTP", "WEBSOCKET"):
        (stage,) = _of_api(graph, "Stage", protocol)
        called = f"{_api(graph, protocol).outputs['executionArn']}/"
        own = [
            *_of_api(graph, "Route", protocol),
            *_of_api(graph, "RouteResponse", protocol),
            *(item for item in graph.all("Permission") if item.inputs["sourceArn"].startswith(called)),
        ]
        assert len(own) > 1
        assert {item.urn for item in own} <= set(stage.dependencies), stage.urn


def test_what_rules_and_topics_cannot_deliver_is_kept(graph: Any) -> None:
    for item in graph.all("EventTarget"):
        assert graph.by_arn(item.inputs["deadLetterConfig"]["arn"])
    for item in graph.all("TopicSubscription"):
        if item.inputs["protocol"] == "sqs":
            assert item.inputs["rawMessageDelivery"] is True
            assert graph.by_arn(json.loads(item.inputs["redrivePolicy"])["deadLetterTargetArn"])


def test_receipts_come_by_both_paths(graph: Any) -> None:
    rule = next(item for item in graph.all("EventRule") if "-sms-receipts-" in item.inputs["name"])
    pattern = json.loads(rule.inputs["eventPattern"])
    assert pattern["source"] == ["aws.sms-voice"]
    assert pattern["detail-type"] == ["Text Message Delivery Status Updated"]
    assert "eventBusName" not in rule.inputs
    (destination,) = graph.all("Smsvoicev2EventDestination")
    assert destination.inputs["matchingEventTypes"] == ["TEXT_ALL"]


def test_in_house_receipts_arrive_in_the_form_of_the_services_own(evaluate: Any) -> None:
    recorded = evaluate("dev", largest=True)
    (target,) = [t for t in recorded.of_type("aws:cloudwatch/eventTarget:EventTarget") if "inputPath" in t.inputs]
    assert target.inputs["inputPath"] == "$.detail"
    assert target.inputs["eventBusName"] == "ai-cpaas-demo-messaging-dev"


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


def test_every_route_asks_for_a_signature(graph: Any) -> None:
    routes = {item.inputs["routeKey"]: item.inputs["authorizationType"] for item in _of_api(graph, "Route", "HTTP")}
    assert routes == dict.fromkeys(
        [
            "POST /api/send-campaign",
            "GET /api/campaigns",
            "GET /api/campaigns/{id}",
            "PATCH /api/campaigns/{id}",
            "GET /api/campaigns/{id}/report",
            "POST /api/audiences",
            "GET /api/audiences/{id}",
            "GET /api/plans/{id}",
            "POST /api/messages",
            "GET /api/messages/{id}",
            "GET /api/messages/{id}/timeline",
            "GET /api/receipts/overdue",
            "GET /api/opt-outs/{channel}/{address}",
            "PUT /api/opt-outs/{channel}/{address}",
            "DELETE /api/opt-outs/{channel}/{address}",
            "DELETE /api/recipients/{address}",
            "GET /api/customers/{id}/costs",
            "GET /api/pumping-guard",
            "DELETE /api/pumping-guard/{id}",
            "GET /api/environment",
        ],
        "AWS_IAM",
    )
    (stage,) = _of_api(graph, "Stage", "HTTP")
    assert stage.inputs["accessLogSettings"]["destinationArn"]
    assert stage.inputs["defaultRouteSettings"]["throttlingRateLimit"] > 0
    (function,) = [item for item in graph.all("Function") if "campaign-api" in item.inputs["name"]]
    (integration,) = _of_api(graph, "Integration", "HTTP")
    assert function.inputs["timeout"] * 1000 < integration.inputs["timeoutMilliseconds"] < 30_000


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


def _queue_mappings(graph: Any) -> list[Any]:
    return [item for item in graph.all("EventSourceMapping") if "startingPosition" not in item.inputs]


def _stream_mappings(graph: Any) -> list[Any]:
    return [item for item in graph.all("EventSourceMapping") if "startingPosition" in item.inputs]


def _api(graph: Any, protocol: str) -> Any:
    (api,) = [item for item in graph.all("Api") if item.inputs["protocolType"] == protocol]
    return api


def _of_api(graph: Any, kind: str, protocol: str) -> list[Any]:
    """The resources of a kind that belong to the API of that protocol."""
    api = _api(graph, protocol)
    return [item for item in graph.all(kind) if item.inputs["apiId"] == api.id]


def _function(graph: Any, mapping: Any) -> Any:
    return next(item for item in graph.all("Function") if item.inputs["name"] == mapping.inputs["functionName"])


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
