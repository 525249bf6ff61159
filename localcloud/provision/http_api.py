"""API Gateway v2: HTTP and WebSocket APIs.

Addresses are those of the emulator's path form, because the host names that AWS would give do not resolve here.
"""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task


def _address(task: Task, api_id: str, *, websocket: bool) -> str:
    base = task.endpoint_url.replace("http", "ws", 1) if websocket else task.endpoint_url
    return f"{base}/_aws/execute-api/{api_id}"


def api(task: Task) -> Created:
    """An HTTP API, at the address of its `$default` stage, or a WebSocket API, whose clients add a stage's name."""
    name = task.named(longest=128)
    made = task.call("apigatewayv2", "create_api", Name=name)
    id_ = made["ApiId"]
    websocket = task.inputs["protocolType"] == "WEBSOCKET"
    address = _address(task, id_, websocket=websocket)
    outputs = {
        "name": name,
        "arn": f"arn:aws:apigateway:{task.region}::/apis/{id_}",
        "executionArn": task.arn("execute-api", id_),
        "apiEndpoint": address if websocket else f"{address}/$default",
    }
    return Created(id_, outputs)


def integration(task: Task) -> Created:
    """What a route calls."""
    made = task.call("apigatewayv2", "create_integration", {"TimeoutInMillis": "timeoutMilliseconds"})
    return Created(made["IntegrationId"], {})


def route(task: Task) -> Created:
    """A route of an API."""
    return Created(task.call("apigatewayv2", "create_route")["RouteId"], {})


def route_response(task: Task) -> Created:
    """What makes a WebSocket route send its integration's answer back to the client."""
    return Created(task.call("apigatewayv2", "create_route_response")["RouteResponseId"], {})


def authorizer(task: Task) -> Created:
    """An authorizer; boto3 insists on identity sources, AWS takes none."""
    sources = task.inputs.get("identitySources", [])
    made = task.call("apigatewayv2", "create_authorizer", Name=task.named(longest=128), IdentitySource=sources)
    return Created(made["AuthorizerId"], {"name": made["Name"]})


def stage(task: Task) -> Created:
    """A deployed stage and its address."""
    name = task.named(longest=128)
    per_route = {item["routeKey"]: item for item in task.inputs.get("routeSettings", [])}
    parameters = task.fitted("apigatewayv2", "create_stage", StageName=name, RouteSettings=None)
    if per_route:
        parameters |= task.fitted("apigatewayv2", "create_stage", source={"routeSettings": per_route})
    client = task.client("apigatewayv2")
    client.create_stage(**parameters)
    api_id = task.inputs["apiId"]
    websocket = client.get_api(ApiId=api_id)["ProtocolType"] == "WEBSOCKET"
    outputs = {
        "name": name,
        "arn": f"arn:aws:apigateway:{task.region}::/apis/{api_id}/stages/{name}",
        "executionArn": task.arn("execute-api", f"{api_id}/{name}"),
        "invokeUrl": f"{_address(task, api_id, websocket=websocket)}/{name}",
    }
    return Created(name, outputs)


PROVISIONERS: dict[str, Provisioner] = {
    "aws:apigatewayv2/api:Api": api,
    "aws:apigatewayv2/integration:Integration": integration,
    "aws:apigatewayv2/route:Route": route,
    "aws:apigatewayv2/routeResponse:RouteResponse": route_response,
    "aws:apigatewayv2/authorizer:Authorizer": authorizer,
    "aws:apigatewayv2/stage:Stage": stage,
}
