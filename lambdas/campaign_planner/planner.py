"""Plans one audience, over as many invocations as it takes: an upload of a million rows takes several.

Each invocation plans until its time is nearly up, writes a checkpoint and lets the next one go on, so that a large
audience neither needs a long time-out nor holds up other campaigns' plans. What a crash leaves behind its checkpoint is
written again under the same keys; nothing reads it before the index is written and the plan is the campaign's.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lambdas.adapters.audiences import Audiences, Upload
from lambdas.adapters.part_files import PartWriter
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.adapters.report_file import ReportLostError, ReportWriter, report_key
from lambdas.core.audience_file import MAX_ROWS, AudienceFile, AudienceTerms
from lambdas.core.audience_lines import AudienceError, Position
from lambdas.core.campaign_request import CampaignRequest
from lambdas.core.channels import Routes
from lambdas.core.plan import LaneRow, OptedOut, Planning, batches, new_planning
from lambdas.core.plan_checkpoint import Checkpoint
from lambdas.core.plan_row import Row, rules_of
from lambdas.core.plan_totals import PlanTotals
from lambdas.core.preflight import Terms, preflight
from lambdas.core.prices import PriceList
from lambdas.core.templates import ReadTemplates, TemplateBook

PROGRESS_MS = 5_000
"""How often a plan says how far it is."""
HOLD_MARGIN_MS = 5_000
"""Between the end of an invocation and the end of its hold: clocks of DynamoDB's writers may differ by that much."""


@dataclass(frozen=True, slots=True)
class PlanJob:
    """What is to be planned: in which `partition` its PLAN item lies, and the rows, given or uploaded.

    `name` keys the tables of what has been seen. A dry run keeps no rows. The item expires at `expires_s` (epoch);
    what depends on time looks from `made_ms` (epoch), so that every invocation plans alike.
    """

    partition: str
    name: str
    request: CampaignRequest
    terms: Terms
    keeps_rows: bool
    expires_s: int
    made_ms: int


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A finished plan: the name of its part files, and its sums."""

    name: str
    totals: PlanTotals


class Planner:
    """Plans jobs into the content bucket; times are epoch milliseconds."""

    def __init__(
        self,
        plans: PlanTable,
        audiences: Audiences,
        s3: Any,
        bucket: str,
        routes: Routes,
        prices: PriceList,
        opted_out: OptedOut,
        now_ms: Callable[[], int],
        read_templates: ReadTemplates,
        *,
        allowed_countries: str = "",
    ) -> None:
        self._allowed_countries = allowed_countries
        self._plans = plans
        self._audiences = audiences
        self._s3 = s3
        self._bucket = bucket
        self._routes = routes
        self._prices = prices
        self._opted_out = opted_out
        self._now_ms = now_ms
        self._read_templates = read_templates

    def plan(
        self, job: PlanJob, *, owner: str, stop_ms: int, ended_ms: int, go_on: Callable[[], None]
    ) -> MadePlan | None:
        """Plan until `stop_ms`; None where `go_on` has been called to let another invocation continue, or while
        another one is planning the same. `ended_ms` is when this invocation will have ended for certain.

        Raises `AudienceError` for an upload that cannot be planned.
        """
        state = self._plans.hold(
            job.partition,
            owner,
            now_ms=self._now_ms(),
            until_ms=ended_ms + HOLD_MARGIN_MS,
            expires_s=job.expires_s,
        )
        if state is None:
            return None
        try:
            work = self._begin(job, state)
            if not self._run(job, work, stop_ms):
                self._hand_over(job, work)
                go_on()
                return None
            return self._finish(job, work)
        except Exception as error:
            self._plans.let_go(job.partition, from_scratch=isinstance(error, ReportLostError))
            raise

    def _begin(self, job: PlanJob, state: PlanState) -> _Work:
        templates = TemplateBook(self._read_templates)
        rules = rules_of(
            job.request,
            self._routes,
            self._prices,
            job.made_ms,
            templates=templates,
            countries=self._allowed_countries,
        )
        if state.checkpoint is None:
            name = f"{job.name}/{secrets.token_hex(4)}"
            return _Work(
                name,
                self._rows(job, state.upload, Position(), (), templates),
                new_planning(rules, self._opted_out, job.name),
                PartWriter(self._s3, self._bucket, name),
                ReportWriter(self._s3, self._bucket, report_key(name)),
            )
        body = self._s3.get_object(Bucket=self._bucket, Key=state.checkpoint)["Body"]
        checkpoint = Checkpoint.read(body, job.name.encode())
        rules.zones.recall(lane.zone for lane in checkpoint.totals.by_lane.values())
        return _Work(
            checkpoint.name,
            self._rows(job, state.upload, checkpoint.position, checkpoint.columns, templates),
            Planning(rules, self._opted_out, seen=checkpoint.seen, totals=checkpoint.totals),
            PartWriter(self._s3, self._bucket, checkpoint.name, checkpoint.written),
            ReportWriter(self._s3, self._bucket, report_key(checkpoint.name), checkpoint.report),
        )

    def _rows(
        self,
        job: PlanJob,
        upload: Upload | None,
        start: Position,
        columns: tuple[str, ...],
        templates: TemplateBook,
    ) -> Iterable[Row]:
        if upload is None:
            return job.request.recipients
        defaults = {channel: each for channel, each in job.request.defaults.items() if channel in self._routes}
        templates.learn(defaults.items())
        needed = {channel: templates.always(channel, content) for channel, content in defaults.items()}
        terms = AudienceTerms(job.request.defaults, job.request.default_channel, needed)
        pieces = self._audiences.pieces(upload, start.offset)
        return AudienceFile(pieces, upload.format, terms, start=start, columns=columns)

    def _run(self, job: PlanJob, work: _Work, stop_ms: int) -> bool:
        """Plan batch by batch; False if the time was up before the last one."""
        told_ms = self._now_ms()
        for batch in batches(work.rows, work.read_bytes):
            for outcome in work.planning.plan(batch):
                if isinstance(outcome, LaneRow):
                    if job.keeps_rows:
                        work.parts.add(outcome.lane, outcome.row)
                else:
                    work.report.add(outcome)
            if work.planned > MAX_ROWS:
                raise AudienceError(f"the file has more than {MAX_ROWS} recipients: split it")
            now_ms = self._now_ms()
            if now_ms >= told_ms + PROGRESS_MS:
                self._plans.progress(job.partition, work.planned)
                told_ms = now_ms
            if now_ms >= stop_ms and isinstance(work.rows, AudienceFile):
                return False
        return True

    def _hand_over(self, job: PlanJob, work: _Work) -> None:
        assert isinstance(work.rows, AudienceFile)
        work.parts.flush()
        totals = work.planning.totals
        checkpoint = Checkpoint(
            work.name,
            work.rows.position,
            work.rows.columns,
            work.parts.written,
            work.report.pause(),
            work.planning.seen,
            totals,
        )
        key = f"checkpoints/{work.name}/{work.planned:07d}"
        with tempfile.TemporaryFile() as file:
            checkpoint.write(file)
            file.seek(0)
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=file)
        self._plans.hand_over(job.partition, rows=work.planned, checkpoint=key, now_ms=self._now_ms())

    def _finish(self, job: PlanJob, work: _Work) -> MadePlan:
        totals = work.planning.totals
        if work.planned == 0:
            raise AudienceError("the file has no recipients")
        if job.keeps_rows:
            work.parts.finish(totals.lanes)
        work.report.finish()
        self._plans.finish(
            job.partition,
            rows=work.planned,
            summary=preflight(totals, self._routes, job.terms),
            report=report_key(work.name),
            now_ms=self._now_ms(),
        )
        return MadePlan(work.name, totals)


@dataclass(frozen=True, slots=True)
class _Work:
    """A plan under way."""

    name: str
    rows: Iterable[Row]
    planning: Planning
    parts: PartWriter
    report: ReportWriter

    def read_bytes(self) -> int:
        """How far in its upload it is."""
        return self.rows.position.offset if isinstance(self.rows, AudienceFile) else 0

    @property
    def planned(self) -> int:
        """Rows read so far."""
        totals = self.planning.totals
        return totals.rows + totals.excluded
