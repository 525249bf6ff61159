"""Planning over several invocations: the same plan wherever it is interrupted, and never half of one."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import pytest

from lambdas.adapters import part_files, report_file
from lambdas.adapters.audiences import Audiences, Upload
from lambdas.adapters.dynamo import Table
from lambdas.adapters.part_files import PartReader
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.campaign_planner import planner as module
from lambdas.campaign_planner.planner import MadePlan, PlanJob, Planner
from lambdas.core import plan
from lambdas.core.audience_lines import AudienceError, AudienceFormat
from lambdas.core.campaign_request import CampaignRequest, parse_campaign_request
from lambdas.core.channels import Channel, Route
from lambdas.core.handlebars import parse_mail_text
from lambdas.core.planned_row import PlannedRow
from lambdas.core.preflight import Terms
from lambdas.core.prices import LIST_PRICES
from lambdas.core.templates import TemplateNeeds, TemplateRef, TemplatesUnreadableError
from tests.support.known_templates import Provider
from tests.support.memory_bucket import Bucket

ROUTES = {channel: Route("", "", 10, 10) for channel in (Channel.SMS, Channel.EMAIL)}
BODY = {
    "audience_id": "a-" + "0" * 20,
    "throughput_tps": 5,
    "content": {"sms": {"body": "hi {{ name }}"}, "email": {"subject": "hi {{ name }}", "body": "hello"}},
}
REQUEST = parse_campaign_request(BODY)
BY_DAY = parse_campaign_request({**BODY, "options": {"send_window": {"start": "09:00", "end": "20:00"}}})
ZONES = ("Europe/Paris", "America/New_York", "Europe/Berlin", "", "Mars/Olympus", "Asia/Tokyo")
"""The first and the third show the same time; a mail without a zone has none, a number has its own."""
OPTED_OUT = "+14255550007"
KEY = "audiences/a"


class Plans:
    """PLAN items of one plan."""

    def __init__(self, upload: Upload | None) -> None:
        self.state = PlanState(upload=upload)
        self.told: list[int] = []

    def hold(self, _: str, owner: str, *, now_ms: int, until_ms: int, expires_s: int) -> PlanState | None:
        if self.state.held_until_ms >= now_ms:
            return None
        self.state = self.state._replace(held_until_ms=until_ms)
        return self.state

    def progress(self, _: str, rows: int) -> None:
        self.told.append(rows)

    def let_go(self, _: str, *, from_scratch: bool = False) -> None:
        checkpoint = None if from_scratch else self.state.checkpoint
        self.state = self.state._replace(held_until_ms=0, checkpoint=checkpoint)

    def hand_over(self, _: str, *, rows: int, checkpoint: str, now_ms: int) -> None:
        self.state = self.state._replace(held_until_ms=0, rows=rows, checkpoint=checkpoint)

    def finish(self, _: str, *, rows: int, summary: dict[str, Any], report: str, now_ms: int) -> None:
        self.state = self.state._replace(rows=rows, summary=summary, report=report)


class World:
    """One audience, and invocations that plan it."""

    def __init__(self, rows: int, request: CampaignRequest = REQUEST) -> None:
        self.request = request
        self.bucket = Bucket(min_part=0)
        text = "".join(self._line(row) for row in range(rows))
        self.bucket.objects[KEY] = f"customer_id,selected_channel,phone,email,name,timezone\n{text}".encode()
        self.plans = Plans(self.upload())
        self.now_ms = 1_000
        self.invocations = 0
        self.templates = Provider()

    def upload(self) -> Upload:
        """The file as it is now."""
        size, etag = len(self.bucket.objects[KEY]), self.bucket.etag(KEY)
        return Upload(KEY, AudienceFormat.CSV, size, etag, 0)

    @staticmethod
    def _line(row: int) -> str:
        zone = ZONES[row % len(ZONES)]
        if row % 5 == 3:
            return f"c-{row},email,,a{row}@example.com,Ada,{zone}\n"
        number = "12" if row % 11 == 0 else f"+1425555{row % 40:04d}"
        return f"c-{row},sms,{number},,{'' if row % 13 == 0 else 'Ada'},{zone}\n"

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def invoke(self, ticks: int, s3: Any = None) -> MadePlan | None:
        """One invocation that hands over after so many looks at the clock."""
        self.invocations += 1
        client: Any = s3 or self.bucket
        planner = Planner(
            cast(PlanTable, self.plans), Audiences(cast(Table, None), client, "b"), client, "b", ROUTES,
            LIST_PRICES, opted_out, self.tick, self.templates.read,
        )  # fmt: skip
        terms = Terms(5, 1.0, 0.0, window=self.request.options.window)
        job = PlanJob("CAMPAIGN#c", "c", self.request, terms, True, 9, 0)
        stop = self.now_ms + ticks
        self.went_on = False
        return planner.plan(job, owner="me", stop_ms=stop, ended_ms=self.now_ms + 10_000, go_on=self._go_on)

    def _go_on(self) -> None:
        self.went_on = True

    def plan(self, ticks: int = 1_000_000) -> MadePlan:
        """As many invocations as it takes."""
        while (made := self.invoke(ticks)) is None:
            assert self.went_on
        return made

    def rows(self, made: MadePlan) -> list[PlannedRow]:
        return PartReader(self.bucket, "b").rows(made.name, 0, 10_000)

    def report(self) -> list[list[str]]:
        assert self.plans.state.report is not None
        return list(csv.reader(io.StringIO(self.bucket.objects[self.plans.state.report].decode("utf-8-sig"))))


def opted_out(_: Channel, addresses: Collection[str]) -> Collection[str]:
    return [address for address in addresses if address == OPTED_OUT]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, part files and reports of a few rows."""
    monkeypatch.setattr(plan, "BATCH_ROWS", 8)
    monkeypatch.setattr(part_files, "MAX_PART_ROWS", 5)
    monkeypatch.setattr(report_file, "PART_BYTES", 200)
    monkeypatch.setattr(module, "PROGRESS_MS", 3)


@pytest.mark.parametrize("request_", [REQUEST, BY_DAY], ids=["at once", "by day"])
@pytest.mark.parametrize("ticks", [1, 2, 3, 5, 8])
def test_a_plan_is_the_same_however_many_invocations_make_it(ticks: int, request_: CampaignRequest) -> None:
    whole, pieces = World(100, request_), World(100, request_)
    made, again = whole.plan(), pieces.plan(ticks)
    assert pieces.invocations > 1
    assert whole.rows(made) == pieces.rows(again)
    assert whole.report() == pieces.report()
    assert whole.plans.state.summary == pieces.plans.state.summary
    assert made.totals.lanes == again.totals.lanes
    rows = whole.rows(made)
    assert [row.row for row in rows] == list(range(len(rows)))
    assert len(rows) + len(whole.report()) - 1 == 100
    assert len(made.totals.customers) == len({row.customer_id for row in rows})
    assert OPTED_OUT not in {row.destination for row in rows}


class Dying:
    """A bucket whose process dies at its `n`th call: before it is made, or after."""

    def __init__(self, bucket: Bucket, n: int, *, after: bool) -> None:
        self._bucket, self._n, self._after = bucket, n, after

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._n -= 1
            if self._n == 0 and not self._after:
                raise KeyboardInterrupt
            answer = getattr(self._bucket, name)(**arguments)
            if self._n == 0:
                raise KeyboardInterrupt
            return answer

        return call


@pytest.mark.parametrize("after", [False, True])
def test_a_planner_that_dies_at_any_call_is_followed_by_one_that_makes_the_same_plan(after: bool) -> None:
    whole = World(60)
    expected = whole.rows(whole.plan()), whole.report()
    deaths = 0
    for n in range(1, 60):
        world = World(60)
        dying = Dying(world.bucket, n, after=after)
        made = None
        try:
            while made is None:
                made = world.invoke(4, dying)
        except KeyboardInterrupt:
            deaths += 1
            assert world.invoke(1_000_000) is None, "whoever died may still be planning"
            world.now_ms += 20_000
            try:
                made = world.plan()
            except report_file.ReportLostError:
                made = world.plan()  # the queue brings the message again
        assert (world.rows(made), world.report()) == expected
    assert deaths > 30


def test_large_rows_are_planned_in_small_memory(tmp_path: Path) -> None:
    path = tmp_path / "audience.csv"
    with path.open("w") as file:
        file.write("customer_id,phone,name\n")
        for row in range(400):
            file.write(f"c-{row},+1425555{row:04d},{'x' * 200_000 if row % 3 else 'Ada'}\n")
        file.write("\n" * 1_000 + "x" * 20_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.plan_in_memory", str(path), "10"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["invocations"] > 3
    assert (found["recipients"], found["excluded"]) == (134, 267)
    assert found["over_base_mb"] < 48, "of a file of 73 MB; 64 are promised, and an allocator keeps some to itself"


def test_lanes_hold_one_clock_each_and_the_forecast_heeds_their_windows() -> None:
    by_day = World(100, BY_DAY)
    made = by_day.plan()
    given = {"Europe/Berlin", "America/New_York", "Asia/Tokyo"}
    zones = {"sms": [*given, "America/Los_Angeles"], "email": list(given)}
    for channel in zones:
        lanes = [lane for lane in made.totals.lanes if lane.channel == channel]
        assert sorted(lane.zone for lane in lanes) == sorted(zones[channel])
        assert [lane.name for lane in lanes] == [f"{channel}_{number}" for number in range(len(lanes))]
    reasons = {row[2]: row[3] for row in by_day.report()[1:]}
    assert reasons["invalid_row"] == "timezone must be an IANA time zone like Europe/Berlin"
    assert "unknown_timezone" in reasons
    summary = by_day.plans.state.summary
    assert summary is not None
    assert summary["forecast"]["limited_by"] == "send_window"


def test_progress_is_told_while_planning() -> None:
    world = World(100)
    world.plan()
    assert world.plans.told == sorted(world.plans.told)
    assert 0 < world.plans.told[0] < 100


def test_an_upload_that_changes_under_way_ends_the_plan_with_a_sentence() -> None:
    world = World(100)
    assert world.invoke(2) is None
    world.bucket.objects[KEY] += b"c-new,sms,+14255550100,,x\n"
    with pytest.raises(AudienceError, match="uploaded again while it was being planned"):
        world.plan()
    assert world.plans.state.held_until_ms == 0


def test_more_than_a_million_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 50)
    with pytest.raises(AudienceError, match="more than 50 recipients"):
        World(51).plan()


def test_a_header_alone_is_no_audience() -> None:
    with pytest.raises(AudienceError, match="has no recipients"):
        World(0).plan()


def test_a_summary_can_be_kept_as_json() -> None:
    world = World(30)
    world.plan()
    assert json.loads(json.dumps(world.plans.state.summary)) == world.plans.state.summary


def by_template(name: str) -> CampaignRequest:
    """A campaign whose mails SES makes of a template, and whose texts need a name."""
    return parse_campaign_request({**BODY, "content": {"sms": {"body": "hi {{ name }}"}, "email": {"template": name}}})


MAIL = TemplateRef(Channel.EMAIL, "news")


def test_rows_of_an_upload_are_checked_against_the_template_wherever_planning_is_interrupted() -> None:
    made = {}
    for ticks in (4, 1_000_000):
        world = World(60, by_template("news"))
        world.templates.known[MAIL] = TemplateNeeds(
            texts=(parse_mail_text("{{#if name}}{{ name }}{{else}}{{ title }}{{/if}}"),)
        )
        world.bucket.objects[KEY] += b"c-last,email,,last@example.com,,\n"
        world.plans.state = world.plans.state._replace(upload=world.upload())
        rows = world.rows(world.plan(ticks))
        assert all(row.content.template for row in rows if row.channel == "email")
        assert len(world.templates.asked) == world.invocations
        made[ticks] = [row for row in world.report() if row[2] == "missing_variable" and row[1] == "c-last"]
    assert made[4] == made[1_000_000] == [["62", "c-last", "missing_variable", "title (of the SES template news)"]]


def test_a_file_that_cannot_fill_the_template_in_any_row_is_refused() -> None:
    world = World(60, by_template("news"))
    world.templates.known[MAIL] = TemplateNeeds(texts=(parse_mail_text("{{ name }} {{ gift }} {{ table }}"),))
    with pytest.raises(AudienceError) as caught:
        world.plan()
    assert "the campaign's email text uses {{ gift }}, {{ table }}, and the file has no such column" in str(
        caught.value
    )


def test_a_template_that_is_gone_leaves_its_rows_out() -> None:
    world = World(20, by_template("gone"))
    assert {row.channel for row in world.rows(world.plan())} == {"sms"}
    found = {tuple(row[2:]) for row in world.report()[1:] if row[2] == "invalid_template"}
    assert found == {("invalid_template", "the SES template gone does not exist here")}


def test_a_template_that_cannot_be_read_leaves_the_plan_to_be_made_again() -> None:
    world = World(20, by_template("news"))
    world.templates.known[MAIL] = TemplateNeeds()
    world.templates.away = True
    with pytest.raises(TemplatesUnreadableError):
        world.plan()
    world.templates.away = False
    assert "email" in {row.channel for row in world.rows(world.plan())}
