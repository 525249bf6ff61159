"""Records of a queue as a function gets them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def record(queue_id: str, body: str, attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A message received for the first time; `attributes` are its own, as SQS's API tells them."""
    return {
        "messageId": queue_id,
        "receiptHandle": queue_id,
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(time.time_ns() // 1_000_000)},
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in (attributes or {}).items()
        },
    }
