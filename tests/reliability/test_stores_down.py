"""Each store away for ten seconds amid a campaign: no call meanwhile, no overshoot, and it goes on by itself."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.core.run_report import RunEnd
from localcloud import launch
from tests.support.real_sender import STORES, RealSender, real_sender

AWAY_SECONDS = 10
TRIES = 60
AGAIN_SECONDS = 2


def keep_trying(sender: RealSender) -> None:
    """What the queue's redelivery and the sweeper do: one run after another until the campaign is through."""
    for number in range(TRIES):
        with contextlib.suppress(BotoCoreError, ClientError):
            report = sender.run(f"w{number}", recover=number > 0)
            if report.end is RunEnd.NOTHING_LEFT and sender.all_have_an_outcome():
                return
        time.sleep(AGAIN_SECONDS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("store", STORES)
def test_a_store_away_for_ten_seconds(store: str) -> None:
    with (
        launch.start(launch.LaunchOptions(provision=False)) as cloud,
        real_sender(cloud, f"away-{store}", rows=600, tps=40) as sender,
    ):
        worker = threading.Thread(target=keep_trying, args=(sender,))
        worker.start()
        while len(sender.provider.calls) < 60:
            time.sleep(0.05)
        sender.lines[store].cut()
        # What had its money, its time and its intent on record may still be called: at most a lease's end ahead.
        time.sleep(6)
        called = len(sender.provider.calls)
        time.sleep(AWAY_SECONDS - 6)
        assert len(sender.provider.calls) == called < sender.rows, "no call while the store is away"
        sender.lines[store].mend()
        worker.join(400)
        assert not worker.is_alive()
        sender.assert_all_sent_once()
        assert sender.worst_second() <= sender.tps + 1
