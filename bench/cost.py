"""Row `cost`: what the infrastructure behind a million messages costs, from the calls of one campaign.

Everything that AWS bills by use is counted by the embedded cloud's meters over a campaign of SMS, from the request to
the last receipt by both paths, and multiplied by the price sheet (`localcloud/costs/prices.py`). Fees of carriers and
providers are not infrastructure; what a stack costs by the month is in docs/deploy.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.embedded import metered_campaign, running_cloud
from bench.report import Measure, say
from localcloud.costs import prices
from localcloud.costs.model import TRACED_SHARE
from localcloud.costs.prices import UnitPrice

MILLION = 1_000_000
TPS = 50
BAR_USD = 8.0
PEERS = {"source document": 37.0, "naive (least)": 20.0, "naive (most)": 23.0}
"""US dollars per million: the figure the platform was first described with, and a design with a function call, a queue
message and a full index per message and receipt."""

KEY_CALLS_PER_HOUR = 12 * 60
"""Services cache a data key for five minutes (SQS developer guide, "Data key reuse period"; the others as long): each
of some 60 pairs of a caller and a queue, table or topic asks once in that time."""
ROW_GB = 1.2e-6
"""A tracking row of 1 KB with its keys in two indexes."""

ASSUMED = (
    "Lambda at the durations of this machine, on arm64, billed to the millisecond",
    f"X-Ray traces {TRACED_SHARE:.0%} of the invocations",
    "SQS: every delivered message one send, ten to a receive and to a delete; requests of functions beside them",
    "S3: every request at the price of a write; KMS: a data key serves five minutes",
    "SMS status events on the default bus are free, as events are that AWS sends without being asked to; whether these"
    " are could not be confirmed, so what they would cost is a line of its own",
    "no free tier; fees of carriers and providers apart",
)
EVENTS = "and EventBridge, if AWS bills these status events"
KEPT = "and rows kept for a month, with recovery"


def run(brief: bool) -> list[Measure]:
    """Send one campaign and price what it used."""
    rows = 100 if brief else 1_000
    with running_cloud() as ready:
        used = metered_campaign(ready, rows, TPS)
    costs = dict.fromkeys((EVENTS, KEPT), 0.0)
    for service, price, quantity in _quantities(used, rows):
        costs[service] = costs.get(service, 0.0) + float(price.of(quantity * MILLION / rows))
    beside = {service: costs.pop(service) for service in (EVENTS, KEPT)}
    total = sum(costs.values())
    for line in ASSUMED:
        say(f"  assumed: {line}")
    what = "infrastructure per million messages"
    return [
        Measure("cost", what, "USD", total, PEERS, f"<= {BAR_USD:g}", total <= BAR_USD),
        *(Measure("cost", f"  of it {service}", "USD", usd) for service, usd in sorted(costs.items())),
        *(Measure("cost", f"  {service}", "USD", usd) for service, usd in beside.items()),
    ]


def _quantities(used: Mapping[str, Any], rows: int) -> Iterator[tuple[str, UnitPrice, float]]:
    """Service, price and how much of it the campaign used."""
    functions = used["invocations"].values()
    invocations = sum(each["count"] for each in functions)
    delivered = sum(each["queue_messages"] for each in functions)
    polls = sum(each["queue_polls"] for each in functions)
    yield "DynamoDB", prices.WRITE_UNIT, used["total_write_units"]
    yield "DynamoDB", prices.READ_UNIT, sum(used["read_units"].values())
    yield "Lambda", prices.LAMBDA_REQUEST, invocations
    yield "Lambda", prices.LAMBDA_ARM_SECOND, sum(each["gb_seconds"] for each in functions)
    yield "X-Ray", prices.TRACE, invocations * TRACED_SHARE
    yield "SQS", prices.QUEUE_REQUEST, delivered + 2 * polls + used["requests"].get("sqs", 0)
    yield "SNS", prices.PUBLISH, used["published"]
    yield "S3", prices.OBJECT_WRITE, used["requests"].get("s3", 0)
    yield "CloudWatch Logs", prices.LOG_INGESTION, sum(used["log_bytes"].values()) / 1024**3
    yield "KMS", prices.KEY_REQUEST, KEY_CALLS_PER_HOUR * rows / TPS / 3_600
    yield EVENTS, prices.EVENT_OF_AWS, used["matched_events"]
    yield KEPT, prices.TABLE_STORAGE, rows * ROW_GB
    yield KEPT, prices.RECOVERY, rows * ROW_GB
