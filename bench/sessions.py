"""Row `sessions`: connecting, heartbeats and broadcasts through the whole stack on the embedded cloud, beside a plain
`websockets` server that is asked the same by the same clients in the same run."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bench.embedded import ROOT, running_cloud
from bench.report import Measure
from console.sessions.client import ListenerClient, SpeakerClient, Waits

LISTENERS = 500
JOINING_AT_A_TIME = 4
"""One process embeds the whole cloud: more at a time would measure how long they queue there."""
HEARTBEATS = 100
BROADCASTS = 10
WARM_BROADCASTS = 2
DELIVERY_P95_S = 0.5
"""For 500 listeners; Centrifugo says 200 ms at its 99th percentile."""
TARGETS_S = {"creation": 2.0, "join": 1.0, "heartbeat": 0.1}
WAITS = Waits(handshake=60, greeting=60, answer=60)


@dataclass(slots=True)
class Course:
    """What members of one session saw, in seconds."""

    creation: list[float]
    join: list[float]
    heartbeat: list[float]
    delivery: list[float]


def run(brief: bool) -> list[Measure]:
    """The stack first, then the plain server."""
    listeners = 50 if brief else LISTENERS
    with running_cloud() as ready:
        outputs = json.loads(Path(ready["outputs_file"]).read_text(encoding="utf-8"))
        token = _token(ready, outputs)
        asyncio.run(_session(outputs["WebSocketAPIEndpoint"], token, min(50, listeners)))  # processes start once
        ours = asyncio.run(_session(outputs["WebSocketAPIEndpoint"], token, listeners))
    with _plain_server() as endpoint:
        plain = asyncio.run(_session(endpoint, "none", listeners))
    measures = []
    for what in ("creation", "join", "heartbeat", "delivery"):
        limit = DELIVERY_P95_S if what == "delivery" else TARGETS_S[what]
        value, peer = _p95(getattr(ours, what)), _p95(getattr(plain, what))
        name = f"broadcast to {listeners}, arrival" if what == "delivery" else what
        measures.append(
            Measure(
                "sessions",
                f"{name}, p95",
                "ms",
                1000 * value,
                {"websockets": 1000 * peer},
                f"<= {1000 * limit:g}",
                value <= limit,
            )
        )
    return measures


async def _session(endpoint: str, token: str, listeners: int) -> Course:
    speaker = await SpeakerClient.create(endpoint, token, "en", waits=WAITS)
    turns = asyncio.Semaphore(JOINING_AT_A_TIME)

    async def join(number: int) -> ListenerClient:
        async with turns:
            return await ListenerClient.join(endpoint, speaker.session_id, ("de", "fr")[number % 2], waits=WAITS)

    members = await asyncio.gather(*(join(number) for number in range(listeners)))
    beats = [(await speaker.heartbeat()).took for _ in range(HEARTBEATS)]
    delivery: list[float] = []
    for number in range(WARM_BROADCASTS + BROADCASTS):
        began = time.monotonic()
        acknowledged = asyncio.create_task(speaker.broadcast({"number": number, "text": "x" * 200}))
        arrivals = await asyncio.gather(*(member.message() for member in members))
        await acknowledged
        if number >= WARM_BROADCASTS:
            delivery += [arrival.at - began for arrival in arrivals]
    await speaker.end()
    await asyncio.gather(speaker.close(), *(member.close() for member in members))
    return Course([speaker.greeted], [member.greeted for member in members], beats, delivery)


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


def _token(ready: dict[str, Any], outputs: dict[str, str]) -> str:
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=ready["endpoint_url"],
        region_name=ready["region"],
        aws_access_key_id=ready["access_key_id"],
        aws_secret_access_key=ready["secret_access_key"],
    )
    password = f"Aa1!{secrets.token_urlsafe(16)}"
    user = {"UserPoolId": outputs["SessionUserPoolId"], "Username": "speaker@example.com"}
    cognito.admin_create_user(**user, TemporaryPassword=password, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**user, Password=password, Permanent=True)
    answer = cognito.admin_initiate_auth(
        UserPoolId=user["UserPoolId"],
        ClientId=outputs["SessionClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user["Username"], "PASSWORD": password},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


@contextmanager
def _plain_server() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.session_peer"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield f"ws://127.0.0.1:{int(child.stdout.readline())}/prod"
        finally:
            child.stdin.close()
            child.wait(10)
