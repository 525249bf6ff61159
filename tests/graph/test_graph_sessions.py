"""Sessions: the API and who is called by it, the pool of the speakers, and nothing at all where they are off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from components.session_settings import SessionSettings
from lambdas.core.outputs import SessionOutputs, output_name
from localcloud.program import record

ROUTES = {
    "$connect": "session_connection",
    "$disconnect": "session_disconnect",
    "$default": "session_heartbeat",
    "heartbeat": "session_heartbeat",
    "refreshConnection": "session_refresh",
    "broadcast": "session_broadcaster",
    "replay": "session_broadcaster",
    "endSession": "session_broadcaster",
}
SIZES = {
    "session_authorizer": (128, 10),
    "session_broadcaster": (1769, 29),
    "session_connection": (256, 30),
    "session_disconnect": (256, 30),
    "session_heartbeat": (128, 10),
    "session_notifier": (256, 60),
    "session_refresh": (256, 30),
}
POSTING = {"session_broadcaster", "session_notifier"}
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache", ".hypothesis", "tests", "bench")


def api(graph: Any) -> Any:
    (found,) = [item for item in graph.all("Api") if item.inputs["protocolType"] == "WEBSOCKET"]
    return found


def of_api(graph: Any, kind: str) -> list[Any]:
    return [item for item in graph.all(kind) if item.inputs["apiId"] == api(graph).id]


def folder(function: Any) -> str:
    return str(function.inputs["handler"].split(".")[1])


def functions(graph: Any) -> dict[str, Any]:
    found = {folder(item): item for item in graph.all("Function")}
    return {name: function for name, function in found.items() if name.startswith("session_")}


def variables(graph: Any, name: str) -> Mapping[str, str]:
    found: Mapping[str, str] = functions(graph)[name].inputs["environment"]["variables"]
    return found


def test_functions_have_the_size_and_time_they_need(graph: Any) -> None:
    sizes = {name: (item.inputs["memorySize"], item.inputs["timeout"]) for name, item in functions(graph).items()}
    assert sizes == SIZES


def test_every_route_reaches_its_function_which_lets_that_route_in(graph: Any) -> None:
    assert api(graph).inputs["routeSelectionExpression"] == "$request.body.action"
    by_invocation = {item.outputs["invokeArn"]: folder(item) for item in graph.all("Function")}
    behind = {
        f"integrations/{item.id}": by_invocation[item.inputs["integrationUri"]] for item in of_api(graph, "Integration")
    }
    assert {item.inputs["routeKey"]: behind[item.inputs["target"]] for item in of_api(graph, "Route")} == ROUTES
    names = {name: item.inputs["name"] for name, item in functions(graph).items()}
    arn = api(graph).outputs["executionArn"]
    (authorizer,) = of_api(graph, "Authorizer")
    expected = {(names[name], f"{arn}/prod/{key}") for key, name in ROUTES.items()}
    expected.add((names["session_authorizer"], f"{arn}/authorizers/{authorizer.id}"))
    let_in = [(item.inputs["function"], item.inputs["sourceArn"]) for item in graph.all("Permission")]
    assert {pair for pair in let_in if pair[0] in names.values()} == expected


def test_only_connecting_is_authorised_and_without_an_identity_source(graph: Any) -> None:
    (authorizer,) = of_api(graph, "Authorizer")
    assert authorizer.inputs["authorizerType"] == "REQUEST"
    assert not {"identitySources", "authorizerResultTtlInSeconds"} & authorizer.inputs.keys()
    assert authorizer.inputs["authorizerUri"] == functions(graph)["session_authorizer"].outputs["invokeArn"]
    kinds = {item.inputs["routeKey"]: item.inputs["authorizationType"] for item in of_api(graph, "Route")}
    assert kinds == {key: "CUSTOM" if key == "$connect" else "NONE" for key in ROUTES}
    named = [item.inputs["routeKey"] for item in of_api(graph, "Route") if item.inputs.get("authorizerId")]
    assert named == ["$connect"]


def test_who_sends_a_message_gets_the_functions_answer(graph: Any) -> None:
    keys = {item.id: item.inputs["routeKey"] for item in of_api(graph, "Route")}
    answering = {keys[item.inputs["routeId"]] for item in of_api(graph, "RouteResponse")}
    assert answering == ROUTES.keys() - {"$connect", "$disconnect"}
    assert {item.inputs["routeResponseKey"] for item in of_api(graph, "RouteResponse")} == {"$default"}
    selecting = [i.inputs["routeKey"] for i in of_api(graph, "Route") if "routeResponseSelectionExpression" in i.inputs]
    assert set(selecting) == answering


def test_the_stage_is_throttled_and_called_as_clients_know_it(graph: Any) -> None:
    (stage,) = of_api(graph, "Stage")
    assert (stage.inputs["name"], stage.inputs["autoDeploy"]) == ("prod", True)
    settings = stage.inputs["defaultRouteSettings"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (10_000, 5_000)
    assert graph.recorded.stack_outputs["WebSocketAPIEndpoint"] == stage.outputs["invokeUrl"]


def test_functions_wait_less_than_the_api(graph: Any) -> None:
    waits = {item.inputs["timeoutMilliseconds"] for item in of_api(graph, "Integration")}
    assert waits == {29_000}
    assert functions(graph)["session_broadcaster"].inputs["timeout"] * 1000 <= 29_000


def test_who_posts_knows_where_and_may_there_alone(graph: Any) -> None:
    arn = api(graph).outputs["executionArn"]
    endpoint = str(api(graph).outputs["apiEndpoint"])
    for name, function in functions(graph).items():
        granted = {
            resource
            for role, item in graph.role_statements()
            if role == graph.role_of(function) and "execute-api:ManageConnections" in item["Action"]
            for resource in item["Resource"]
        }
        may = {f"{arn}/prod/{method}/@connections/*" for method in ("POST", "DELETE")}
        assert granted == (may if name in POSTING else set()), name
        url = variables(graph, name).get("MANAGEMENT_URL")
        assert url == (f"http{endpoint.removeprefix('ws')}/prod" if name in POSTING else None)


def test_logs_of_sessions_are_kept_for_a_day(graph: Any) -> None:
    days = {group.inputs["name"]: group.inputs["retentionInDays"] for group in graph.all("LogGroup")}
    assert {days[function.inputs["loggingConfig"]["logGroup"]] for function in functions(graph).values()} == {1}


def test_tokens_are_those_of_the_stacks_pool(graph: Any) -> None:
    (pool,), (client,) = graph.all("UserPool"), graph.all("UserPoolClient")
    outputs = graph.recorded.stack_outputs
    assert (outputs["SessionUserPoolId"], outputs["SessionClientId"]) == (pool.id, client.id)
    told = variables(graph, "session_authorizer")
    assert told["AUDIENCE"] == client.id
    assert told["ISSUER"] == f"https://cognito-idp.{outputs['Region']}.amazonaws.com/{pool.id}"
    base = f"{outputs['EndpointUrl']}/{pool.id}" if outputs["EndpointUrl"] else told["ISSUER"]
    assert told["JWKS_URL"] == f"{base}/.well-known/jwks.json"


def test_nobody_gets_into_the_pool_uninvited_or_with_little(graph: Any) -> None:
    (pool,), (client,) = graph.all("UserPool"), graph.all("UserPoolClient")
    assert pool.inputs["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True
    policy = pool.inputs["passwordPolicy"]
    assert policy["minimumLength"] >= 12
    assert all(policy[f"require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    assert client.inputs["generateSecret"] is False
    assert client.inputs["preventUserExistenceErrors"] == "ENABLED"
    assert client.inputs["tokenValidityUnits"]["idToken"] == "minutes"
    assert 5 <= client.inputs["idTokenValidity"] <= 15
    flows = set(client.inputs["explicitAuthFlows"])
    assert flows == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"}


def test_an_existing_pool_is_used_as_it_is(layer: Path) -> None:
    sessions = {"user_pool_id": "eu-west-1_AbCdEf123", "client_id": "4k2m"}
    recorded = record("dev", config={"layer_path": str(layer), "sessions": json.dumps(sessions)})
    assert not [item for item in recorded.registrations if ":cognito/" in item.type]
    (function,) = [item for item in recorded.registrations if item.name == "session-authorizer-function"]
    told = function.inputs["environment"]["variables"]
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
    assert (told["ISSUER"], told["AUDIENCE"], told["JWKS_URL"]) == (issuer, "4k2m", f"{issuer}/.well-known/jwks.json")
    assert recorded.stack_outputs["SessionUserPoolId"] == "eu-west-1_AbCdEf123"


def test_the_limits_reach_the_functions_that_hold_them(layer: Path) -> None:
    limits = {
        "max_active_sessions": 7,
        "max_listeners": 8,
        "sessions_per_hour": 9,
        "joins_per_minute": 11,
        "attempts_per_minute": 12,
        "heartbeats_per_minute": 13,
        "session_max_hours": 14,
        "refresh_minutes": 15,
        "warning_minutes": 16,
    }
    others = {"user_pool_id", "client_id", "reserved_broadcasts"}
    assert limits.keys() == SessionSettings.model_fields.keys() - others
    recorded = record("dev", config={"layer_path": str(layer), "sessions": json.dumps(limits)})
    told: dict[str, set[str]] = {}
    for item in recorded.registrations:
        if item.type.endswith(":Function") and item.custom:
            for name, value in item.inputs.get("environment", {}).get("variables", {}).items():
                told.setdefault(name, set()).add(value)
    assert {name: told[name.upper()] for name in limits} == {name: {str(value)} for name, value in limits.items()}
    alarms = {
        item.inputs.get("name"): item.inputs for item in recorded.registrations if item.type.endswith("MetricAlarm")
    }
    assert alarms["ai-cpaas-demo-dev-active-sessions"]["threshold"] == pytest.approx(6.3)


def test_broadcasts_have_functions_of_their_own_where_they_are_reserved(graph: Any, layer: Path) -> None:
    """A new account has ten functions at a time and nothing to reserve, so nothing is unless somebody asks."""
    assert not [item.urn for item in graph.all("Function") if "reservedConcurrentExecutions" in item.inputs]
    config = {"layer_path": str(layer), "sessions": json.dumps({"reserved_broadcasts": 50})}
    recorded = record("dev", config=config)
    reserved = {
        item.name: item.inputs["reservedConcurrentExecutions"]
        for item in recorded.registrations
        if item.custom and "reservedConcurrentExecutions" in item.inputs
    }
    assert reserved == {"session-broadcaster-function": 50}


def test_without_the_setting_there_is_nothing_of_sessions(root: Path, layer: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(root, copy, ignore=LEFT_OUT)
    configuration = copy / "Pulumi.dev.yaml"
    kept, _, dropped = configuration.read_text(encoding="utf-8").partition("  ai-cpaas-demo:sessions:\n")
    assert dropped
    configuration.write_text(kept, encoding="utf-8")
    recorded = record("dev", config={"layer_path": str(layer)}, root=copy)
    named = [item.urn for item in recorded.registrations if "session" in item.urn.lower() or "websocket" in item.urn]
    assert named == [
        "urn:pulumi:dev::ai-cpaas-demo::cpaas:publication:Publication$aws:ssm/parameter:Parameter::outputs-sessions"
    ]
    assert {recorded.stack_outputs[output_name(field.name)] for field in fields(SessionOutputs)} == {""}
    dashboards = [item.inputs["dashboardBody"] for item in recorded.registrations if item.type.endswith(":Dashboard")]
    assert len(dashboards) == 2
    assert not [body for body in dashboards if "Session" in body or "WebSocket" in body]
