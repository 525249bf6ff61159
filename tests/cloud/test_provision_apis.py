"""HTTP and WebSocket APIs and the user pools before them: read back, called, and their tokens verified."""

from __future__ import annotations

import base64
import json
from urllib.request import ProxyHandler, Request, build_opener

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.cloud.provisioning import ACCOUNT, REGION, Cloud


def test_http_api_is_described_and_answers_at_its_address(aws: Cloud) -> None:
    function = aws.function()
    api = aws.create(
        "aws:apigatewayv2/api:Api",
        protocolType="HTTP",
        corsConfiguration={"allowOrigins": ["https://a.example"], "maxAge": 60},
        tags={"team": "x"},
    )
    integration = aws.create(
        "aws:apigatewayv2/integration:Integration",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=function.outputs["arn"],
        payloadFormatVersion="2.0",
        timeoutMilliseconds=9000,
    )
    route = aws.create(
        "aws:apigatewayv2/route:Route",
        apiId=api.id,
        routeKey="GET /things/{id}",
        authorizationType="AWS_IAM",
        target=f"integrations/{integration.id}",
    )
    stage = aws.create(
        "aws:apigatewayv2/stage:Stage",
        apiId=api.id,
        name="$default",
        autoDeploy=True,
        defaultRouteSettings={"throttlingRateLimit": 5.5, "throttlingBurstLimit": 7},
        routeSettings=[{"routeKey": "GET /things/{id}", "throttlingBurstLimit": 2}],
        accessLogSettings={"destinationArn": "arn:aws:logs:us-east-1:222222222222:log-group:x", "format": "$context"},
        stageVariables={"A": "1"},
    )
    aws.create(
        "aws:lambda/permission:Permission",
        action="lambda:InvokeFunction",
        function=function.id,
        principal="apigateway.amazonaws.com",
        sourceArn=f"{stage.outputs['executionArn']}/*",
    )
    client = aws.client("apigatewayv2")
    read = client.get_api(ApiId=api.id)
    assert read["CorsConfiguration"] == {"AllowOrigins": ["https://a.example"], "MaxAge": 60}
    read = client.get_integration(ApiId=api.id, IntegrationId=integration.id)
    assert (read["IntegrationUri"], read["TimeoutInMillis"]) == (function.outputs["arn"], 9000)
    assert client.get_route(ApiId=api.id, RouteId=route.id)["Target"] == f"integrations/{integration.id}"
    read = client.get_stage(ApiId=api.id, StageName="$default")
    assert read["DefaultRouteSettings"]["ThrottlingRateLimit"] == 5.5
    assert read["RouteSettings"]["GET /things/{id}"]["ThrottlingBurstLimit"] == 2
    assert read["StageVariables"] == {"A": "1"}
    assert stage.outputs["invokeUrl"] == api.outputs["apiEndpoint"]
    assert fetch_signed(f"{stage.outputs['invokeUrl']}/things/1") == (200, b"fine")


def fetch_signed(url: str) -> tuple[int, bytes]:
    """GET `url` signed for the API's account, without proxies."""
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(ACCOUNT, "embedded"), "execute-api", REGION).add_auth(request)
    with build_opener(ProxyHandler({})).open(Request(url, headers=dict(request.headers)), timeout=30) as answer:
        return answer.status, answer.read()


def test_authorizer(aws: Cloud) -> None:
    api = aws.create("aws:apigatewayv2/api:Api", protocolType="HTTP")
    made = aws.create(
        "aws:apigatewayv2/authorizer:Authorizer",
        apiId=api.id,
        name="jwt",
        authorizerType="JWT",
        identitySources=["$request.header.Authorization"],
        jwtConfiguration={"audiences": ["a"], "issuer": "https://issuer.example"},
    )
    read = aws.client("apigatewayv2").get_authorizer(ApiId=api.id, AuthorizerId=made.id)
    assert read["JwtConfiguration"] == {"Audience": ["a"], "Issuer": "https://issuer.example"}
    assert read["IdentitySource"] == ["$request.header.Authorization"]


def test_websocket_api_has_an_address_for_clients_and_one_for_functions(aws: Cloud) -> None:
    function = aws.function()
    api = aws.create(
        "aws:apigatewayv2/api:Api", protocolType="WEBSOCKET", routeSelectionExpression="$request.body.action"
    )
    authorizer = aws.create(
        "aws:apigatewayv2/authorizer:Authorizer",
        apiId=api.id,
        authorizerType="REQUEST",
        authorizerUri=function.outputs["invokeArn"],
    )
    integration = aws.create(
        "aws:apigatewayv2/integration:Integration",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=function.outputs["invokeArn"],
    )
    route = aws.create(
        "aws:apigatewayv2/route:Route",
        apiId=api.id,
        routeKey="$connect",
        authorizationType="CUSTOM",
        authorizerId=authorizer.id,
        routeResponseSelectionExpression="$default",
        target=f"integrations/{integration.id}",
    )
    response = aws.create(
        "aws:apigatewayv2/routeResponse:RouteResponse", apiId=api.id, routeId=route.id, routeResponseKey="$default"
    )
    stage = aws.create("aws:apigatewayv2/stage:Stage", apiId=api.id, name="prod", autoDeploy=True)
    client = aws.client("apigatewayv2")
    read = client.get_route_response(ApiId=api.id, RouteId=route.id, RouteResponseId=response.id)
    assert read["RouteResponseKey"] == "$default"
    assert client.get_authorizer(ApiId=api.id, AuthorizerId=authorizer.id).get("IdentitySource", []) == []
    assert client.get_route(ApiId=api.id, RouteId=route.id)["AuthorizerId"] == authorizer.id
    assert api.outputs["apiEndpoint"] == f"{aws.endpoint_url.replace('http', 'ws', 1)}/_aws/execute-api/{api.id}"
    assert stage.outputs["invokeUrl"] == f"{api.outputs['apiEndpoint']}/prod"


def test_user_pool_and_client_issue_tokens_that_the_pools_keys_verify(aws: Cloud) -> None:
    pool = aws.create(
        "aws:cognito/userPool:UserPool",
        usernameAttributes=["email"],
        autoVerifiedAttributes=["email"],
        usernameConfiguration={"caseSensitive": False},
        adminCreateUserConfig={"allowAdminCreateUserOnly": True},
        passwordPolicy={"minimumLength": 14, "requireSymbols": True, "temporaryPasswordValidityDays": 3},
        mfaConfiguration="OPTIONAL",
        softwareTokenMfaConfiguration={"enabled": True},
        accountRecoverySetting={"recoveryMechanisms": [{"name": "verified_email", "priority": 1}]},
        deletionProtection="INACTIVE",
        tags={"team": "x"},
    )
    made = aws.create(
        "aws:cognito/userPoolClient:UserPoolClient",
        userPoolId=pool.id,
        generateSecret=False,
        explicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        preventUserExistenceErrors="ENABLED",
        enableTokenRevocation=True,
        idTokenValidity=10,
        accessTokenValidity=10,
        refreshTokenValidity=12,
        tokenValidityUnits={"idToken": "minutes", "accessToken": "minutes", "refreshToken": "hours"},
    )
    cognito = aws.client("cognito-idp")
    read = cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert (read["Arn"], read["Name"]) == (pool.outputs["arn"], pool.outputs["name"])
    assert read["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    assert read["UserPoolTags"] == {"team": "x"}
    assert read["MfaConfiguration"] == "OPTIONAL"
    read = cognito.describe_user_pool_client(UserPoolId=pool.id, ClientId=made.id)["UserPoolClient"]
    assert (read["IdTokenValidity"], read["TokenValidityUnits"]["IdToken"]) == (10, "minutes")
    password = "Long-enough-1234"
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="a@b.example", TemporaryPassword=password, MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(UserPoolId=pool.id, Username="a@b.example", Password=password, Permanent=True)
    token = cognito.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=made.id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "a@b.example", "PASSWORD": password},
    )["AuthenticationResult"]["IdToken"]
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert (claims["iss"], claims["aud"]) == (f"https://{pool.outputs['endpoint']}", made.id)
    assert claims["exp"] - claims["iat"] == 600
    with build_opener(ProxyHandler({})).open(f"{aws.endpoint_url}/{pool.id}/.well-known/jwks.json") as answer:
        keys = json.loads(answer.read())["keys"]
    assert head["kid"] in [key["kid"] for key in keys]
