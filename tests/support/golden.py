"""The documented events under `tests/golden`."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "golden"


@dataclass(frozen=True)
class Golden:
    """One file: `event` is what arrives, `expected` the receipts it means, `rule` which rule of the bus matches it."""

    name: str
    channel: str
    page: str
    event: dict[str, Any]
    expected: list[dict[str, Any]]
    rule: str | None

    @property
    def is_on_bus(self) -> bool:
        """Comes by EventBridge, not by a topic."""
        return "detail-type" in self.event

    @property
    def body(self) -> str:
        """The queue message."""
        return json.dumps(self.event)


@functools.cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def load(name: str) -> Golden:
    """The file `<channel>/<path>-<type>`."""
    document = json.loads(_text(name))
    event = document["event"]
    if "entry" in document:
        event["whatsAppWebhookEntry"] = json.dumps(document["entry"])
    return Golden(name, name.split("/")[0], document["page"], event, document["expected"], document.get("rule"))


def load_all() -> list[Golden]:
    """Every file, by name."""
    return [load(str(path.relative_to(FOLDER).with_suffix(""))) for path in sorted(FOLDER.glob("*/*.json"))]


def in_envelope(message: str) -> str:
    """A notification as SNS sends it where raw delivery is off (SNS developer guide, "HTTP/HTTPS notification")."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
            "Message": message,
            "Timestamp": "2012-05-02T00:54:06.655Z",
            "SignatureVersion": "1",
        }
    )
