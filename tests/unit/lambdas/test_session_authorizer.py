"""The authorizer of `$connect` as API Gateway calls it: policies, logs without secrets, and what it loads when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.forged_tokens import forgeries
from tests.support.id_tokens import AUDIENCE, CLAIMS, ISSUER, SUBJECT, published, rsa_signer, token
from tests.support.json_server import JsonServer
from tests.support.own_function import imported

ROOT = Path(__file__).resolve().parents[3]
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/$connect"
ENVIRONMENT = {
    "ENVIRONMENT": "local",
    "STACK": "local",
    "PROJECT": "cpaas",
    "ISSUER": ISSUER,
    "AUDIENCE": AUDIENCE,
    "ATTEMPTS_PER_MINUTE": "500",
}
CONNECTION_ID = "ZzYyXxWwVv0CF0Q="
CANARIES = (SUBJECT, CLAIMS["email"], CLAIMS["cognito:username"], AUDIENCE, CONNECTION_ID)


def connect(*tokens: str, **query: str) -> dict[str, Any]:
    """The event of a handshake (API Gateway developer guide, on REQUEST authorizers of WebSocket APIs)."""
    many = {name: [value] for name, value in query.items()} | ({"token": list(tokens)} if tokens else {})
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "headers": {"Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "Upgrade": "websocket"},
        "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
        "multiValueQueryStringParameters": many or None,
        "stageVariables": {},
        "requestContext": {
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "stage": "prod",
            "requestTimeEpoch": 1_790_000_000_000,
            "identity": {"sourceIp": "192.0.2.1"},
            "requestId": "ZzYyXHV9oAMFlKw=",
            "connectionId": CONNECTION_ID,
            "apiId": "a1b2c3d4e5",
        },
    }


def fresh(**changes: Any) -> str:
    """A token of this moment."""
    now = int(time.time())
    return token({**CLAIMS, "iat": now, "exp": now + 3_600, **changes})


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The function, the pool's server, and what the function has written."""

    module: Any
    pool: JsonServer
    capture: pytest.CaptureFixture[str]

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.module.handler(event, None)
        return answer

    def written(self) -> str:
        """Both streams since the last look."""
        return "".join(self.capture.readouterr())

    def lines(self) -> list[dict[str, Any]]:
        """The log since the last look."""
        return [json.loads(line) for line in self.written().splitlines()]


@pytest.fixture
def authorizer(capsys: pytest.CaptureFixture[str]) -> Iterator[Authorizer]:
    with JsonServer() as pool:
        pool.replies = [(200, published())]
        with imported("session_authorizer", {**ENVIRONMENT, "JWKS_URL": f"{pool.url}/jwks.json"}) as module:
            yield Authorizer(module, pool, capsys)


def policy(effect: str, principal: str, context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": METHOD_ARN}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal, "policyDocument": document, "context": context}


@pytest.mark.parametrize(
    "event",
    [
        connect(),
        connect(action="joinSession", sessionId="abc", targetLanguage="de"),
        connect(action="createSession", sourceLanguage="en"),
        connect(Token="x", tokens="y"),
    ],
    ids=["nothing", "a listener", "a speaker without a token", "other names"],
)
def test_whoever_claims_nothing_is_let_on_unnamed(authorizer: Authorizer, event: dict[str, Any]) -> None:
    assert authorizer(event) == policy("Allow", "anybody", {})
    assert authorizer.written() == ""
    assert authorizer.pool.received == []


def test_a_speaker_is_named_to_the_functions_behind(authorizer: Authorizer) -> None:
    for _ in range(3):
        assert authorizer(connect(fresh(), action="createSession")) == policy("Allow", "speaker", {"speaker": SUBJECT})
    assert len(authorizer.pool.received) == 1
    lines = authorizer.lines()
    assert [line["event"] for line in lines] == ["token accepted"] * 3
    assert {len(line["speaker"]) for line in lines} == {32}


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (("",), "FORMAT"),
        (("", ""), "SEVERAL"),
        (("good", "good"), "SEVERAL"),
        (("good", "bad"), "SEVERAL"),
        (("bad",), "FORMAT"),
        (("good" * 4_000,), "TOO_LONG"),
    ],
)
def test_anything_but_one_true_token_is_denied(authorizer: Authorizer, tokens: tuple[str, ...], reason: str) -> None:
    given = [each.replace("good", fresh()) for each in tokens]
    assert authorizer(connect(*given)) == policy("Deny", "nobody", {})
    refused, metric = authorizer.lines()
    assert (refused["level"], refused["event"], refused["reason"]) == ("INFO", "token refused", reason)
    assert (metric["ConnectionErrors"], metric["Code"]) == (1, "TOKEN_REFUSED")


def test_an_address_may_show_so_many_tokens_a_minute(authorizer: Authorizer) -> None:
    for _ in range(500):
        assert authorizer(connect("bad")) == policy("Deny", "nobody", {})
    authorizer.written()
    assert authorizer(connect(fresh())) == policy("Deny", "nobody", {})
    refused, *metrics = authorizer.lines()
    assert (refused["event"], refused["code"]) == ("refused", "RATE_LIMITED")
    assert [metric.get("Operation") for metric in metrics if "RateLimitExceeded" in metric] == ["attempt"]
    assert authorizer(connect()) == policy("Allow", "anybody", {}), "listeners are counted where they join"
    later = connect(fresh())
    later["requestContext"]["requestTimeEpoch"] += 60_000
    assert authorizer(later) == policy("Allow", "speaker", {"speaker": SUBJECT})


def test_without_keys_nobody_is_a_speaker_and_that_is_our_failure(authorizer: Authorizer) -> None:
    authorizer.pool.replies = [(503, b"")]
    assert authorizer(connect(fresh())) == policy("Deny", "nobody", {})
    why, refused, metric = authorizer.lines()
    assert (why["level"], why["event"], why["why"]) == ("WARNING", "keys not refreshed", "answered with 503")
    assert {"timestamp", "correlation_id", "operation", "duration_ms"} <= why.keys()
    assert (refused["level"], refused["reason"]) == ("ERROR", "KEYS_UNAVAILABLE")
    assert (metric["ConnectionErrors"], metric["Code"]) == (1, "UNAVAILABLE")
    assert authorizer(connect()) == policy("Allow", "anybody", {})


def test_no_forgery_is_let_on_and_none_is_seen_in_a_log(authorizer: Authorizer) -> None:
    for forgery in forgeries():
        forged = forgery.make()
        assert authorizer(connect(forged)) == policy("Deny", "nobody", {}), forgery.name
        written = authorizer.written()
        assert written.count("token refused") == 1, forgery.name
        assert leaks(forged, written) == [], forgery.name


@pytest.mark.parametrize(
    "make",
    [fresh, lambda: fresh(token_use="access"), lambda: token(sign=rsa_signer("stranger"))],
    ids=["accepted", "refused for a claim", "refused for its signature"],
)
def test_a_token_is_in_no_line_at_any_level(
    authorizer: Authorizer, monkeypatch: pytest.MonkeyPatch, make: Callable[[], str]
) -> None:
    monkeypatch.setattr(authorizer.module.LOG, "_threshold", 0)
    given = make()
    authorizer(connect(given))
    written = authorizer.written()
    assert "token " in written
    assert leaks(given, written) == []


def test_the_canary_would_be_seen() -> None:
    given = fresh()
    assert leaks(given, f"...{given[30:50]}...")
    assert leaks(given, f'{{"speaker": "{SUBJECT}"}}')


def leaks(given: str, written: str) -> list[str]:
    """What a log has of a token: twelve characters in a row of it, or a claim or id as it is."""
    runs = [part[at : at + 12] for part in given.split(".") for at in range(len(part) - 11)]
    return [secret for secret in (*runs, *CANARIES) if secret in written]


PROBE = """
import sys
from lambdas.session_authorizer.handler import handler
event = {"methodArn": "arn", "requestContext": dict.fromkeys(["routeKey", "connectionId", "requestId"], "x")}
event["requestContext"]["requestTimeEpoch"] = 0
handler(event, None)
print(*sorted({name.split(".")[0] for name in sys.modules}), "http.client" in sys.modules)
handler({**event, "multiValueQueryStringParameters": {"token": ["x"]}}, None)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
HEAVY = {"jwt", "cryptography", "_cffi_backend", "ssl", "urllib3", "email", "phonenumbers", "boto3", "botocore"}


def test_only_a_token_loads_cryptography_and_nothing_loads_a_client() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=ROOT,
        env={**ENVIRONMENT, "JWKS_URL": "https://127.0.0.1/", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    without, *_, with_token = done.stdout.splitlines()
    assert HEAVY.isdisjoint(without.split())
    assert without.endswith(" False")
    assert HEAVY & set(with_token.split()) == {"jwt", "cryptography", "_cffi_backend", "ssl", "email"}
