"""Tokens of a real user pool before the real authorizer, as it is deployed: its archive, its layer, its environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.archives import archive_files
from localcloud.launch import LocalCloud
from tests.cloud.conftest import DeployFunction

ROOT = Path(__file__).resolve().parents[2]
METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5/prod/$connect"
PASSWORD = "Correct-Horse-1"


@dataclass(frozen=True, slots=True)
class Pool:
    """A user pool with an app client and one user."""

    cognito: Any
    id: str
    client: str
    subject: str

    def tokens(self, client: str | None = None) -> dict[str, str]:
        """What signing in gives: `IdToken` and `AccessToken`."""
        answer = self.cognito.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=client or self.client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "speaker", "PASSWORD": PASSWORD},
        )
        found: dict[str, str] = answer["AuthenticationResult"]
        return found


def app_client(cognito: Any, pool_id: str) -> str:
    """A new app client's id."""
    made = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="sessions",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    return str(made["UserPoolClient"]["ClientId"])


@pytest.fixture
def make_pool(bare_cloud: LocalCloud, unique: str) -> Iterator[Callable[[], Pool]]:
    cognito = bare_cloud.client("cognito-idp")
    made: list[str] = []

    def make() -> Pool:
        pool_id = cognito.create_user_pool(PoolName=f"{unique}-{len(made)}")["UserPool"]["Id"]
        made.append(pool_id)
        user = {"UserPoolId": pool_id, "Username": "speaker"}
        attributes = cognito.admin_create_user(**user, MessageAction="SUPPRESS")["User"]["Attributes"]
        cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        subject = next(each["Value"] for each in attributes if each["Name"] == "sub")
        return Pool(cognito, pool_id, app_client(cognito, pool_id), subject)

    yield make
    for pool_id in made:
        cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.fixture
def authorize(bare_cloud: LocalCloud, deploy_function: DeployFunction) -> Callable[[Pool, str | None], Any]:
    """What the deployed function answers for a token of any pool, when it stands before the first pool it is given."""
    functions = bare_cloud.client("lambda")
    deployed: list[str] = []

    def deploy(pool: Pool) -> str:
        names = archive_files(ROOT, "session_authorizer")
        return deploy_function(
            "",
            files={name: (ROOT / name).read_text(encoding="utf-8") for name in names},
            Handler="lambdas.session_authorizer.handler.handler",
            MemorySize=128,
            Timeout=10,
            variables={
                "ENVIRONMENT": "local",
                "STACK": "local",
                "PROJECT": "cpaas",
                "ISSUER": f"https://cognito-idp.{bare_cloud.region}.amazonaws.com/{pool.id}",
                "AUDIENCE": pool.client,
                "JWKS_URL": f"{bare_cloud.endpoint_url}/{pool.id}/.well-known/jwks.json",
            },
        )

    def ask(pool: Pool, token: str | None) -> Any:
        if not deployed:
            deployed.append(deploy(pool))
        payload = json.dumps(connect(token))
        return json.load(functions.invoke(FunctionName=deployed[0], Payload=payload)["Payload"])

    return ask


def connect(token: str | None) -> dict[str, Any]:
    query = {} if token is None else {"token": token}
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "requestContext": {"routeKey": "$connect", "connectionId": "c", "requestId": "r", "requestTimeEpoch": 0},
    }


def verdict(answer: dict[str, Any]) -> tuple[str, dict[str, str]]:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == METHOD_ARN
    return statement["Effect"], answer["context"]


def test_a_signed_in_user_is_a_speaker(make_pool: Callable[[], Pool], authorize: Callable[..., Any]) -> None:
    pool = make_pool()
    id_token = pool.tokens()["IdToken"]
    assert verdict(authorize(pool, id_token)) == ("Allow", {"speaker": pool.subject})
    assert verdict(authorize(pool, None)) == ("Allow", {})


def test_what_else_cognito_signs_makes_no_speaker(make_pool: Callable[[], Pool], authorize: Callable[..., Any]) -> None:
    pool, other = make_pool(), make_pool()
    own = pool.tokens()
    header, payload, _ = own["IdToken"].split(".")
    refused = {
        "an access token": own["AccessToken"],
        "another app client's": pool.tokens(app_client(pool.cognito, pool.id))["IdToken"],
        "another pool's": other.tokens()["IdToken"],
        "another token's signature": f"{header}.{payload}.{own['AccessToken'].rpartition('.')[2]}",
    }
    for name, token in refused.items():
        assert verdict(authorize(pool, token)) == ("Deny", {}), name
    assert verdict(authorize(pool, own["IdToken"]))[0] == "Allow"
