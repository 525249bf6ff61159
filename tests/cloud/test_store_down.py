"""A store that cannot be reached, and a clock that is wrong: nothing is sent, and sending goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from lambdas.adapters.limiter import ClockSkewError
from lambdas.core.campaign import CampaignStatus
from lambdas.core.run_report import RunEnd
from localcloud.launch import LocalCloud
from tests.support.real_sender import real_sender


@pytest.mark.parametrize("store", ["tracking", "limits"])
def test_nothing_is_sent_while_a_store_is_away_and_everything_after_it(
    bare_cloud: LocalCloud, unique: str, wait_until: Callable[..., Any], store: str
) -> None:
    with real_sender(bare_cloud, unique, rows=160, tps=40) as sender:
        ended = sender.failing_run("first")
        wait_until(lambda: len(sender.provider.calls) >= 20)
        sender.lines[store].cut()
        assert ended() is not None, "the run fails, and its token stays in the queue"
        called = len(sender.provider.calls)
        assert called < sender.rows
        sender.let_leases_pass()
        with pytest.raises(BotoCoreError):
            sender.run("second", recover=True)
        assert len(sender.provider.calls) == called, "no call while the store is away"
        sender.lines[store].mend()
        sender.let_leases_pass()
        assert sender.run("third", recover=True).end is RunEnd.NOTHING_LEFT
        sender.assert_all_sent_once()
        assert sender.worst_second() <= sender.tps + 1


def test_no_run_begins_without_the_campaigns_table(bare_cloud: LocalCloud, unique: str) -> None:
    with real_sender(bare_cloud, unique, rows=10, tps=40) as sender:
        sender.lines["campaigns"].cut()
        with pytest.raises(BotoCoreError):
            sender.run("first")
        assert sender.provider.calls == []
        sender.lines["campaigns"].mend()
        assert sender.run("second").end is RunEnd.NOTHING_LEFT
        sender.assert_all_sent_once()


def test_a_worker_whose_clock_has_stepped_sends_nothing_and_takes_nothing_from_the_others(
    bare_cloud: LocalCloud, unique: str
) -> None:
    with real_sender(bare_cloud, unique, rows=40, tps=40) as sender:
        with pytest.raises(ClockSkewError, match="until they agree"):
            sender.run("stepped", clock_step_us=3_500_000)
        assert sender.provider.calls == []
        assert sender.run("right", recover=True).end is RunEnd.NOTHING_LEFT
        sender.assert_all_sent_once()
        assert sender.worst_second() <= sender.tps + 1
        item = sender.tables.campaigns.get({"pk": f"CAMPAIGN#{unique}", "sk": "META"})
        assert item is not None
        assert item["status"] == CampaignStatus.COMPLETED.value
