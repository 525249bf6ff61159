"""Tokens of a real user pool before the real authorizer, as it is deployed: its archive, its layer, its environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from components.archives import archive_files
from localcloud.launch import LocalCloud
from tests.cloud.conftest import DeployFunction
from tests.cloud.socket_api import SocketApi, ask, said

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Correct-Horse-1"
TOLD = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"].get("authorizer"))}
"""


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


@dataclass(frozen=True, slots=True)
class Door:
    """A WebSocket API that the deployed authorizer guards, and behind it a function that says whom it was told of."""

    api: SocketApi

    def enter(self, *tokens: str) -> Any:
        """The authorizer's context as routes see it, or the status of the refused handshake."""
        query = "".join(f"&token={token}" for token in tokens)
        try:
            with self.api.connect(f"?action=createSession&sourceLanguage=en{query}") as client:
                ask(client, {"action": "who"})
                return said(client)
        except InvalidStatus as refused:
            return refused.response.status_code


@pytest.fixture
def guard(bare_cloud: LocalCloud, deploy_function: DeployFunction, socket_api: SocketApi) -> Callable[[Pool], Door]:
    def make(pool: Pool) -> Door:
        names = archive_files(ROOT, "session_authorizer")
        function = deploy_function(
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
                "ATTEMPTS_PER_MINUTE": "100",
            },
        )
        behind = deploy_function(TOLD)
        authorizer = socket_api.authorize(function)
        socket_api.route("$connect", behind, AuthorizationType="CUSTOM", AuthorizerId=authorizer)
        socket_api.route("$default", behind, answers=True)
        return Door(socket_api)

    return make


def test_a_signed_in_user_is_a_speaker(make_pool: Callable[[], Pool], guard: Callable[[Pool], Door]) -> None:
    pool = make_pool()
    door = guard(pool)
    assert door.enter(pool.tokens()["IdToken"]) == {"principalId": "speaker", "speaker": pool.subject}
    assert door.enter() == {"principalId": "anybody"}


def test_what_else_cognito_signs_makes_no_speaker(make_pool: Callable[[], Pool], guard: Callable[[Pool], Door]) -> None:
    pool, other = make_pool(), make_pool()
    door = guard(pool)
    own = pool.tokens()
    header, payload, _ = own["IdToken"].split(".")
    refused = {
        "an access token": [own["AccessToken"]],
        "another app client's": [pool.tokens(app_client(pool.cognito, pool.id))["IdToken"]],
        "another pool's": [other.tokens()["IdToken"]],
        "another token's signature": [f"{header}.{payload}.{own['AccessToken'].rpartition('.')[2]}"],
        "a true one twice": [own["IdToken"], own["IdToken"]],
        "nothing": [""],
    }
    for name, tokens in refused.items():
        assert door.enter(*tokens) == 403, name
    assert door.enter(own["IdToken"])["speaker"] == pool.subject
