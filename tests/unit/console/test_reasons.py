"""Why a campaign does not send, in words."""

from __future__ import annotations

import dataclasses

import pytest

from console.campaigns import make_request
from console.sources.fake import FakeStack
from console.view.glyphs import UNICODE
from console.view.overview import campaign_rows
from console.view.plan import outcome_lines
from console.view.reasons import WORDS, status_words
from console.view.segments import text_of
from lambdas.core.campaign import CampaignStatus, CampaignSummary, PauseReason, StopReason


@pytest.fixture
def campaign() -> CampaignSummary:
    stack = FakeStack()
    stack.send(make_request(5_000, 5))
    return stack.campaigns()[0]


def test_every_reason_has_words() -> None:
    assert {*PauseReason, *StopReason} == set(WORDS)


def test_a_pause_says_why_and_a_schedule_when(campaign: CampaignSummary) -> None:
    assert status_words(campaign) == ""
    paused = dataclasses.replace(campaign, status=CampaignStatus.PAUSED, pause_reason=PauseReason.ERROR_RATE)
    assert status_words(paused) == " (too many fail)"
    strange = dataclasses.replace(paused, pause_reason="of_tomorrow")
    assert status_words(strange) == " (of_tomorrow)"
    refused = dataclasses.replace(
        paused, pause_reason=PauseReason.PROVIDER_STOP, pause_code="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"
    )
    assert status_words(refused) == " (the provider refuses everything: MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT)"
    assert status_words(dataclasses.replace(refused, status=CampaignStatus.RUNNING)) == status_words(campaign)
    waiting = dataclasses.replace(campaign, status=CampaignStatus.SCHEDULED, start_ms=1_800_000_000_000)
    assert status_words(waiting) == " (begins 2027-01-15T08:00Z)"
    for shown in (paused, waiting):
        panel = text_of(campaign_rows([shown], 0.0, columns=120, rows=4, glyphs=UNICODE))
        assert f"{shown.status.value.upper()}{status_words(shown)}" in panel
        assert f"{shown.status.value}{status_words(shown)}" in text_of(outcome_lines(shown))
