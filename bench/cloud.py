"""Row `cloud`: how soon the embedded cloud is ready, and what one campaign costs in DynamoDB write units.

The units are counted by the cloud's own meter over a whole campaign, from the request to the last receipt: planner,
sender, receipts by both paths, counters.
"""

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

from bench.report import Measure

ROOT = Path(__file__).parents[1]
DELIVERED = "+14254147755"
TPS = 50
READY_S = 10.0
UNITS = 6.1
"""Write units per message with two receipts that change its row (docs/data-model.md)."""
WAIT_S = 180.0


def run(brief: bool) -> list[Measure]:
    """Start the cloud twice (once cold) and send one campaign in the second."""
    times = []
    for last in (False, True):
        began = time.perf_counter()
        with _cloud() as ready:
            times.append(time.perf_counter() - began)
            if last:
                units = _write_units(ready, 100 if brief else 1_000)
    started = min(times)
    total = sum(units.values())
    return [
        Measure("cloud", "embedded cloud, start to ready", "s", started, {}, f"<= {READY_S:g}", started <= READY_S),
        Measure("cloud", f"write units per message at {TPS}/s", "", total, {}, f"<= {UNITS}", total <= UNITS),
        *(Measure("cloud", f"  of them in {table}", "", value) for table, value in sorted(units.items())),
    ]


@contextmanager
def _cloud() -> Iterator[dict[str, Any]]:
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


def _write_units(ready: dict[str, Any], rows: int) -> dict[str, float]:
    """Table -> units per message of one campaign, its receipts and counters included."""
    outputs = json.loads(Path(ready["outputs_file"]).read_text(encoding="utf-8"))
    meters = f"{ready['endpoint_url']}/_cpaas/meters"
    _plain("DELETE", meters)
    body = {
        "body": "Your order is ready.",
        "throughput_tps": TPS,
        "eligible_users": [
            {"customer_id": f"customer-{row}", "selected_channel": "sms", "phone": DELIVERED} for row in range(rows)
        ],
    }
    accepted = _signed(ready, "POST", f"{outputs['ApiUrl']}/api/send-campaign", body)
    _until_settled(ready, f"{outputs['ApiUrl']}{accepted['url']}")
    units = _plain("GET", meters)["write_units"]
    return {table: sum(by_operation.values()) / rows for table, by_operation in units.items()}


def _until_settled(ready: dict[str, Any], url: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if _signed(ready, "GET", url)["settled"]:
            return
        time.sleep(1)
    raise RuntimeError(f"the campaign has not settled within {WAIT_S:g} s")


def _signed(ready: dict[str, Any], method: str, url: str, body: object = None) -> dict[str, Any]:
    """Call the campaign API as any IAM caller does."""
    data = None if body is None else json.dumps(body).encode()
    request = AWSRequest(method, url, data=data, headers={"Content-Type": "application/json"})
    credentials = Credentials(ready["access_key_id"], ready["secret_access_key"])
    SigV4Auth(credentials, "execute-api", ready["region"]).add_auth(request)
    return _answer(urllib.request.Request(url, data, dict(request.headers.items()), method=method))


def _plain(method: str, url: str) -> dict[str, Any]:
    return _answer(urllib.request.Request(url, method=method))


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=30) as response:
        document: dict[str, Any] = json.loads(response.read() or b"{}")
    return document
