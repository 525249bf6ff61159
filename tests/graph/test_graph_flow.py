"""Queues, mappings, topics, rules and the API: what flows where, and in which order it comes to be."""

from __future__ import annotations

import json
from typing import Any


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
