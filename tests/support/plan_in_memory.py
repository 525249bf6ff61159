"""Plans a file in a process of its own and tells what memory that took: `python -m tests.support.plan_in_memory FILE
N`, an invocation handing over after N batches of a thousand rows.

S3 is a reader of the file that keeps the last checkpoint on disk and forgets what it is given otherwise; the rest is
the planner's own.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from lambdas.adapters.audiences import Audiences, Upload
from lambdas.adapters.dynamo import Table
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.campaign_planner.planner import PlanJob, Planner
from lambdas.core.audience_lines import AudienceFormat
from lambdas.core.campaign_request import parse_campaign_request
from lambdas.core.channels import Channel, Route
from lambdas.core.preflight import Terms
from lambdas.core.prices import LIST_PRICES
from tests.support.known_templates import Provider

REQUEST = parse_campaign_request(
    {"audience_id": f"a-{0:020x}", "throughput_tps": 5, "default_channel": "sms", "body": "hello {{ name }}"}
)


class DiskBucket:
    """The calls of S3 that planning makes."""

    def __init__(self, audience: Path, folder: Path) -> None:
        self._audience = audience
        self._checkpoint = folder / "checkpoint"

    def get_object(self, *, Key: str, Range: str = "", **_: Any) -> dict[str, Any]:
        if not Range:
            return {"Body": self._checkpoint.open("rb")}
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        with self._audience.open("rb") as file:
            file.seek(first)
            return {"Body": io.BytesIO(file.read(last - first + 1))}

    def put_object(self, *, Key: str, Body: Any, **_: Any) -> None:
        if Key.startswith("checkpoints/"):
            with self._checkpoint.open("wb") as file:
                shutil.copyfileobj(Body, file)

    def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"UploadId": "upload"}

    def upload_part(self, **_: Any) -> dict[str, Any]:
        return {"ETag": "etag"}

    def complete_multipart_upload(self, **_: Any) -> None:
        pass


class OnePlan:
    """The PLAN item."""

    def __init__(self, upload: Upload) -> None:
        self.state = PlanState(upload=upload)

    def hold(self, _: str, owner: str, **times: int) -> PlanState:
        return self.state

    def hand_over(self, _: str, *, rows: int, checkpoint: str, now_ms: int) -> None:
        self.state = PlanState(rows, 0, now_ms, checkpoint, upload=self.state.upload)

    def progress(self, _: str, rows: int) -> None:
        pass

    def let_go(self, _: str, **how: bool) -> None:
        pass

    def finish(self, _: str, **what: Any) -> None:
        pass


def memory_kb(name: str) -> int:
    """The process's memory: `VmRSS` now, `VmHWM` at its peak; `ru_maxrss` would also know the parent's (proc(5))."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


def main(audience: Path, batches: int) -> None:
    base_kb = memory_kb("VmRSS")
    plans = OnePlan(Upload("audiences/a", AudienceFormat.CSV, audience.stat().st_size, "etag", 0))
    looks = 0

    def now_ms() -> int:
        nonlocal looks
        looks += 1
        return looks

    with tempfile.TemporaryDirectory() as folder:
        s3: Any = DiskBucket(audience, Path(folder))
        planner = Planner(
            cast(PlanTable, plans), Audiences(cast(Table, None), s3, "b"), s3, "b",
            {Channel.SMS: Route("", "", 10, 10)}, LIST_PRICES, lambda channel, addresses: (), now_ms, Provider().read,
        )  # fmt: skip
        job = PlanJob("CAMPAIGN#c", "c", REQUEST, Terms(5, 1e6, 0.0), True, 0, 0)
        invocations, made = 0, None
        while made is None:
            invocations += 1
            made = planner.plan(job, owner="me", stop_ms=looks + batches, ended_ms=0, go_on=lambda: None)
    print(
        json.dumps(
            {
                "recipients": made.totals.rows,
                "excluded": made.totals.excluded,
                "invocations": invocations,
                "over_base_mb": round((memory_kb("VmHWM") - base_kb) / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
