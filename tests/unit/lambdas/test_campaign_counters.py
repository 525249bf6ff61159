"""The counters function: chains are named before their rows are counted, so that nothing counted was never named."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from lambdas.adapters import aws
from lambdas.core.attribute_values import to_item
from lambdas.core.chain_terms import ChainTerms

NOW_MS = 1_800_000_000_000


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function's module in an environment of its own."""
    values = {
        "ENVIRONMENT": "local", "STACK": "dev", "PROJECT": "cpaas", "CAMPAIGNS_TABLE": "c",
        "FALLBACK_QUEUE_URL": "http://127.0.0.1:9/f", "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    yield importlib.import_module("lambdas.campaign_counters.handler")
    sys.modules.pop("lambdas.campaign_counters.handler")
    aws.client.cache_clear()


class Stores:
    """The queue and the counters as the function uses them, in the order of their calls; the queue may be away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.done: list[str] = []

    def send_all(self, bodies: list[str]) -> None:
        if self.away:
            raise ConnectionError("the queue is away")
        self.done += [f"named {chain_id}" for body in bodies for chain_id in json.loads(body)["chain_ids"]]

    def add(self, sums: Any, marker: str, now_s: int) -> bool:
        self.done += sorted(f"counted {key.campaign_id or key.day}" for key in sums)
        return True


def failed_record() -> dict[str, Any]:
    """A stream record of a campaign's first message that has just failed on the first of two channels."""
    row = {
        "message_id": "spring-0000001", "campaign_id": "spring", "customer_id": "ada", "channel": "whatsapp",
        "timestamp": NOW_MS, "version": 1, "status": "sending", "history": {"sending": NOW_MS},
        "chain": ChainTerms(("whatsapp", "sms")).to_item(), "legs": [],
    }  # fmt: skip
    failed = {**row, "version": 2, "status": "failed", "history": {"sending": NOW_MS, "failed": NOW_MS + 5}}
    return {"dynamodb": {"SequenceNumber": "1", "OldImage": to_item(row), "NewImage": to_item(failed)}}


def run(counters: ModuleType, monkeypatch: pytest.MonkeyPatch, stores: Stores) -> None:
    monkeypatch.setattr(counters, "FALLBACK", stores)
    monkeypatch.setattr(counters, "COUNTERS", stores)
    counters.handler({"Records": [failed_record()]}, None)


def test_a_failed_chain_is_named_before_its_failure_is_counted(
    counters: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = Stores()
    run(counters, monkeypatch, stores)
    assert stores.done == ["named spring-0000001", "counted 2027-01-15", "counted spring"]


def test_what_could_not_be_named_is_not_counted_either(counters: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = Stores(away=True)
    with pytest.raises(ConnectionError):
        run(counters, monkeypatch, stores)
    assert stores.done == []
