"""An embedded cloud of a benchmark's own, and one campaign on it from the request to the last receipt."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).parents[1]
DELIVERED = "+14254147755"
WAIT_S = 180.0


@contextmanager
def running_cloud() -> Iterator[dict[str, Any]]:
    """A running cloud; its `ready` event."""
    command = [sys.executable, "-m", "localcloud", "--json", "--parent-pipe", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield _ready(child.stdout)
        finally:
            child.stdin.close()
            child.wait(30)


def _ready(lines: Iterator[str]) -> dict[str, Any]:
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "ready":
            return event
        if event["event"] == "error":
            raise RuntimeError(event["message"])
    raise RuntimeError("the embedded cloud ended before it was ready")


def metered_campaign(ready: dict[str, Any], rows: int, tps: float) -> dict[str, Any]:
    """What the cloud's meters count over one campaign of SMS, its receipts by both paths and its counters included."""
    outputs = json.loads(Path(ready["outputs_file"]).read_text(encoding="utf-8"))
    meters = f"{ready['endpoint_url']}/_cpaas/meters"
    plain("DELETE", meters)
    body = {
        "body": "Your order is ready.",
        "throughput_tps": tps,
        "eligible_users": [
            {"customer_id": f"customer-{row}", "selected_channel": "sms", "phone": DELIVERED} for row in range(rows)
        ],
    }
    accepted = signed(ready, "POST", f"{outputs['ApiUrl']}/api/send-campaign", body)
    _until_settled(ready, f"{outputs['ApiUrl']}{accepted['url']}")
    return plain("GET", meters)


def _until_settled(ready: dict[str, Any], url: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if signed(ready, "GET", url)["settled"]:
            return
        time.sleep(1)
    raise RuntimeError(f"the campaign has not settled within {WAIT_S:g} s")


def signed(ready: dict[str, Any], method: str, url: str, body: object = None) -> dict[str, Any]:
    """Call the campaign API as any IAM caller does."""
    data = None if body is None else json.dumps(body).encode()
    request = AWSRequest(method, url, data=data, headers={"Content-Type": "application/json"})
    credentials = Credentials(ready["access_key_id"], ready["secret_access_key"])
    SigV4Auth(credentials, "execute-api", ready["region"]).add_auth(request)
    return _answer(urllib.request.Request(url, data, dict(request.headers.items()), method=method))


def plain(method: str, url: str) -> dict[str, Any]:
    """Call the cloud's own control API."""
    return _answer(urllib.request.Request(url, method=method))


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=30) as response:
        document: dict[str, Any] = json.loads(response.read() or b"{}")
    return document
