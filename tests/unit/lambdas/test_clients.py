"""Clients of functions: the garbage collector does not look through them, and is as it was before."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import UnknownServiceError

from lambdas.adapters.aws import client


@pytest.fixture(autouse=True)
def _collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a region, with a collector that would look often."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    thresholds = gc.get_threshold()
    gc.set_threshold(100)
    yield
    gc.set_threshold(*thresholds)
    gc.enable()


def collections_while_making(service: str) -> int:
    found: list[str] = []

    def note(phase: str, _: dict[str, Any]) -> None:
        found.append(phase)

    gc.callbacks.append(note)
    try:
        client.__wrapped__(service)
    finally:
        gc.callbacks.remove(note)
    return found.count("start")


def test_a_client_is_not_looked_through_while_it_is_made_nor_later() -> None:
    frozen = gc.get_freeze_count()
    assert collections_while_making("sesv2") <= 3
    assert gc.get_freeze_count() > frozen
    assert gc.isenabled()


def test_a_client_that_cannot_be_made_leaves_the_collector_on() -> None:
    with pytest.raises(UnknownServiceError):
        client("no-such-service")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    client.__wrapped__("sqs")
    assert not gc.isenabled()
