"""A campaign whose variables make its messages too large together: refused by the API, stopped by the planner."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from lambdas.adapters import aws
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.content import Content
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.answers import ApiError, Caller
from lambdas.campaign_api.audiences import AudienceService
from lambdas.campaign_api.plans import PlanService
from lambdas.campaign_api.service import CampaignService
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.core.campaign import StopReason
from lambdas.core.channels import Channel, Route, routes_to_text
from tests.support.known_templates import Provider

TOO_LARGE = {
    "throughput_tps": 10,
    "body": "{{ name }}" * 150,
    "eligible_users": [
        {
            "customer_id": f"c-{row}",
            "selected_channel": "sms",
            "phone": f"+1425555{row:04d}",
            "variables": {"name": "x" * 660},
        }
        for row in range(5_000)
    ],
}


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_api_refuses_it_before_anything_is_stored(dry_run: bool) -> None:
    nothing: Any = None
    settings = cast(CampaignApiSettings, SimpleNamespace(promotional_window=""))
    service = CampaignService(
        settings, cast(CampaignTable, nothing), cast(Content, nothing),
        cast(ChannelOptOuts, nothing), cast(Queue, nothing), {Channel.SMS: Route("", "", 10, 10)}, lambda: 0,
        cast(AudienceService, nothing), cast(PlanService, nothing), Provider().service(),
    )  # fmt: skip
    with pytest.raises(ApiError, match="split the audience") as caught:
        service.send({**TOO_LARGE, "dry_run": dry_run}, Caller("somebody", None))
    assert (caught.value.status, caught.value.body["error"]["code"]) == (400, "invalid_request")


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function's module in an environment of its own."""
    values = {
        "ENVIRONMENT": "local", "STACK": "dev", "PROJECT": "cpaas", "CAMPAIGNS_TABLE": "c", "CONTENT_BUCKET": "b",
        "PRICES": "{}",
        "PLAN_QUEUE_URL": "http://127.0.0.1:9/plans",
        "CHANNELS": routes_to_text({Channel.SMS: Route("", "http://127.0.0.1:9/q", 10, 10)}),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "ALLOWED_COUNTRIES": "", "GUARD_AUDIENCES": "true",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    yield importlib.import_module("lambdas.campaign_planner.handler")
    sys.modules.pop("lambdas.campaign_planner.handler")
    aws.client.cache_clear()


def test_the_planner_stops_it(planner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[tuple[str, StopReason]] = []
    monkeypatch.setattr(planner.CONTENT, "get_request", lambda _: TOO_LARGE)
    monkeypatch.setattr(CampaignTable, "stop", lambda _, *what: stopped.append(what))
    with pytest.raises(RuntimeError, match="split the audience"):
        planner._write_plan("spring", {"status": "created", "version": 1, "request_key": "requests/x.json"}, make=None)
    assert stopped == [("spring", StopReason.PLAN_FAILED)]
