"""The campaign sender over the real adapters, each table by a line of its own that a test can cut; the provider and the
audience are in memory."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.clock import AnchoredClock, now_ms
from lambdas.adapters.dynamo import Table
from lambdas.adapters.limiter import Limiter
from lambdas.adapters.opt_outs import OptOuts
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.attempts import Attempts
from lambdas.core.channels import Channel
from lambdas.core.pacing import MICROSECOND
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import OutboundMessage
from lambdas.core.run_report import RunReport
from lambdas.core.sending import CampaignSender, SenderPorts
from localcloud.launch import LocalCloud
from tests.support.bare_tables import BareTables, dynamo, make_tables, put_campaign
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.cut_line import CutLine, cut_line

STORES = ("campaigns", "tracking", "limits")
OUTCOMES = {"sent", "in_doubt"}


class Audience:
    """Rows made up as they are asked for."""

    def rows(self, plan: str, first_row: int, count: int) -> list[PlannedRow]:
        return [planned_row(row) for row in range(first_row, first_row + count)]


class Provider:
    """Accepts every call and remembers it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def send(self, message: OutboundMessage) -> str:
        with self._lock:
            self.calls.append(message.message_id)
            return f"p-{len(self.calls)}"


@dataclass(frozen=True, slots=True)
class SteppedClock:
    """A clock that is `step_us` ahead of this machine's."""

    clock: AnchoredClock
    step_us: int

    def now_us(self) -> int:
        return self.clock.now_us() + self.step_us

    def sleep_us(self, microseconds: int) -> None:
        self.clock.sleep_us(microseconds)


class RealSender:
    """One campaign of one SMS lane and what its workers use; `lines` are the ways to the tables."""

    def __init__(self, cloud: LocalCloud, name: str, lines: dict[str, CutLine], *, rows: int, tps: float) -> None:
        self.campaign_id, self.rows, self.tps = name, rows, tps
        self.lines = lines
        self.provider = Provider()
        self.tables: BareTables = make_tables(dynamo(cloud), name)
        self._cloud = cloud
        put_campaign(
            self.tables.campaigns, name, rows=rows, tps=tps, price=PRICE_USD, cap=PRICE_USD * rows + Decimal(1)
        )

    def _table(self, store: str, attempts: int = 2) -> Table:
        client = dynamo(self._cloud, attempts=attempts, endpoint_url=self.lines[store].url)
        return Table(client, getattr(self.tables, store).name)

    def run(self, owner: str, *, seconds: float = 20, recover: bool = False, clock_step_us: int = 0) -> RunReport:
        """One worker's run, as its function makes it."""
        clock = SteppedClock(AnchoredClock(), clock_step_us)
        campaigns, money = self._table("campaigns"), self._table("campaigns", attempts=1)
        opt_outs = OptOuts(campaigns, Channel.SMS)
        ports = SenderPorts(
            CampaignLane(campaigns, "sms", claims=money),
            Audience(),
            Limiter(self._table("limits"), self.campaign_id, parts_per_second=self.tps / 0.9, clock=clock),
            opt_outs,
            clock,
            CampaignDay(money, cap_usd=1_000, now_ms=now_ms),
        )
        tracking = TrackingTable(self._table("tracking"), retention_days=1)
        attempts = Attempts(tracking, self.provider, opt_outs, clock, owner=owner)
        sender = CampaignSender(self.campaign_id, owner, ports, attempts, threads=16, keep_token=lambda: None)
        return sender.run(clock.now_us() + int(seconds * MICROSECOND), recover=recover)

    def failing_run(self, owner: str) -> Callable[[], Exception | None]:
        """A run beside the test; the answer waits for its end and is what it failed with."""
        failures: list[Exception] = []

        def run() -> None:
            try:
                self.run(owner)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()

        def ended() -> Exception | None:
            thread.join(60)
            assert not thread.is_alive()
            return failures[0] if failures else None

        return ended

    def let_leases_pass(self) -> None:
        """What half a minute does to the chunks that a failed run could not release."""
        chunks = self.tables.campaigns.query(
            "#pk = :pk AND begins_with(#sk, :prefix)",
            {"pk": keys.campaign(self.campaign_id), "prefix": keys.CHUNK_PREFIX},
        )
        for chunk in chunks:
            key = {"pk": chunk["pk"], "sk": chunk["sk"]}
            self.tables.campaigns.update(key, "SET #lease_until = :never", {"never": 0})

    def items(self) -> list[dict[str, object]]:
        """The tracking rows that exist."""
        ids = [{"message_id": keys.message(self.campaign_id, row)} for row in range(self.rows)]
        return self.tables.tracking.batch_get(ids, consistent=True)

    def all_have_an_outcome(self) -> bool:
        """Whether nothing is left for another run: an intent of a run that failed waits until its chunk is free."""
        items = self.items()
        return len(items) == self.rows and {item["status"] for item in items} <= OUTCOMES

    def assert_all_sent_once(self) -> None:
        """Each row was called once at most, and is sent, or in doubt where nobody knows."""
        calls = Counter(self.provider.calls)
        assert max(calls.values()) == 1, "nobody got it twice"
        rows = {str(item["message_id"]): item for item in self.items()}
        assert len(rows) == self.rows
        assert {item["status"] for item in rows.values()} <= OUTCOMES
        assert all(calls[name] == 1 for name, item in rows.items() if item["status"] == "sent")

    def worst_second(self) -> int:
        """The most slots within any second."""
        slots = sorted(int(str(item["slot_us"])) for item in self.items())
        first = worst = 0
        for last, slot in enumerate(slots):
            while slot - slots[first] >= MICROSECOND:
                first += 1
            worst = max(worst, last - first + 1)
        return worst


@contextlib.contextmanager
def real_sender(cloud: LocalCloud, name: str, *, rows: int, tps: float) -> Iterator[RealSender]:
    """A campaign whose tables are reached by lines of their own."""
    with contextlib.ExitStack() as stack:
        lines = {store: stack.enter_context(cut_line(cloud.endpoint_url)) for store in STORES}
        yield RealSender(cloud, name, lines, rows=rows, tps=tps)
