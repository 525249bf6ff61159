"""Changing a campaign's rate: what the channels have booked at the old one gives way to the new one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import pytest

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.content import Content
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.queues import Queue
from lambdas.campaign_api.audiences import AudienceService
from lambdas.campaign_api.plans import PlanService
from lambdas.campaign_api.service import CampaignService
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, CampaignSummary
from lambdas.core.lanes import Lane, booked, lane_attributes
from lambdas.core.pacing import HORIZON_US
from tests.support.campaigns import PRICE_USD
from tests.support.known_templates import Provider

NOW_US = 1_900_000_000_000_000


class OneCampaign:
    """A campaigns table with one campaign."""

    def __init__(self, meta: dict[str, Any]) -> None:
        self.stored = meta

    def meta(self, campaign_id: str) -> dict[str, Any]:
        return dict(self.stored)

    def summary(self, campaign_id: str) -> CampaignSummary:
        return CampaignSummary.from_items(self.stored, ())

    def change(
        self, campaign_id: str, changes: Mapping[str, Any], *, status: CampaignStatus, version: int
    ) -> dict[str, Any]:
        assert (self.stored["status"], self.stored["version"]) == (status.value, version)
        self.stored |= {**changes, "version": version + 1}
        return self.stored


class Kept:
    """A queue that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, Any]] = []

    def send(self, body: Mapping[str, Any]) -> None:
        self.bodies.append(body)


class Unplanned:
    """Plans of campaigns that nobody has planned yet."""

    def of_campaign(self, _campaign_id: str) -> None:
        return None


@pytest.mark.parametrize(("tps", "freed"), [(100, True), (0.02, False)])
def test_a_faster_pace_frees_the_time_that_a_slow_one_has_booked(tps: float, freed: bool) -> None:
    far, near = NOW_US + 100_000_000, NOW_US + HORIZON_US
    lanes = (
        Lane("sms", 0, 10, PRICE_USD, 1),
        Lane("whatsapp", 10, 20, PRICE_USD, 11),
        Lane("email", 20, 30, PRICE_USD),
    )
    table = OneCampaign(
        {
            "pk": keys.campaign("spring"), "status": "running", "version": 1, "created_at": 0, "tps": Decimal("0.05"),
            **lane_attributes(lanes), booked("sms"): far, booked("whatsapp"): near,
        }
    )  # fmt: skip
    plans = Kept()
    service = CampaignService(
        cast(CampaignApiSettings, None), cast(CampaignTable, table), cast(Content, None), cast(ChannelOptOuts, None),
        cast(Queue, plans), {}, lambda: NOW_US // 1_000, cast(AudienceService, None), cast(PlanService, Unplanned()),
        Provider().service(),
    )  # fmt: skip
    service.change("spring", {"throughput_tps": tps, "expected_version": 1})
    assert table.stored[booked("sms")] == (NOW_US if freed else far)
    assert table.stored[booked("whatsapp")] == near
    assert booked("email") not in table.stored
    assert len(plans.bodies) == int(freed)
