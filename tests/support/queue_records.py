"""Records of a queue as a function gets them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def record(
    queue_id: str, body: str, attributes: Mapping[str, Any] | None = None, *, queue: str = "queue"
) -> dict[str, Any]:
    """A message received for the first time from a queue of this name; `attributes` are its own, as SQS's API tells
    them."""
    return {
        "messageId": queue_id,
        "receiptHandle": queue_id,
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(time.time_ns() // 1_000_000)},
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in (attributes or {}).items()
        },
    }
