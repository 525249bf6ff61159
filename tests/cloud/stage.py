"""A stack to do things on, and the carriers' tempers that they are done under."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.adapters.campaigns import meta_key
from lambdas.core import keys
from lambdas.core.channels import Channel
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

EVERY_CHANNEL = tuple(Channel)
SMOOTH = CarrierProfile(seed=5, latency_ms=(5, 20), receipt_delay_ms=(20, 100))
ROUGH = CarrierProfile(
    seed=6,
    failure_rate=0.2,
    # Failures after which a recipient may be written to again: the recipients are everybody's.
    failure_mix={"UNREACHABLE": 1, "131026": 1, "bounce_transient": 1},
    throttle_rate=0.1,
    duplicate_rate=0.3,
    reorder_rate=0.3,
)
SMS_THROTTLED = CarrierProfile(seed=7, channels={Channel.SMS: {"throttle_rate": 1.0}})
SMS_FAILING = CarrierProfile(seed=10, receipt_delay_ms=(20, 100), channels={Channel.SMS: {"failure_rate": 1.0}})
BOUNCING = CarrierProfile(
    seed=9, latency_ms=(5, 20), receipt_delay_ms=(20, 100), channels={Channel.EMAIL: {"failure_rate": 1.0}}
)
SLOW = CarrierProfile(seed=8, latency_ms=(6_000, 6_000))


@dataclass(frozen=True, slots=True)
class Stage:
    """One stack that nobody else uses, and the ways to work on it."""

    cloud: LocalCloud
    stack: StackClient
    wait_until: Callable[..., Any]

    def started(self, recipients: int, tps: float, profile: CarrierProfile = SMOOTH, **fields: Any) -> str:
        """A campaign under way, by a carrier that behaves so; its id."""
        self.cloud.control.set_carrier_profile(profile)
        return self.stack.send_campaign(recipients, tps, key=uuid.uuid4().hex, **fields)

    def change(self, campaign_id: str, **fields: Any) -> None:
        """One PATCH at the version that is current."""
        version = self.stack.show(campaign_id)["version"]
        path = f"/api/campaigns/{campaign_id}"
        status, answer = self.stack.call("PATCH", path, {**fields, "expected_version": version})
        assert status == 200, answer

    def edit(self, campaign_id: str, **attributes: Any) -> None:
        """Set attributes of the campaign's META behind everybody's back, as a crash would leave them."""
        sets = ", ".join(f"#{name} = :{name}" for name in attributes)
        self.stack.campaigns.update(meta_key(campaign_id), f"SET {sets}", attributes)

    def meta(self, campaign_id: str) -> dict[str, Any]:
        """The campaign's META."""
        return dict(self.stack.campaigns.get(meta_key(campaign_id)) or {})

    def chunks(self, campaign_id: str) -> list[dict[str, Any]]:
        """What the campaign's workers have claimed, in order."""
        found = self.stack.campaigns.query(
            "#pk = :pk AND begins_with(#sk, :prefix)", {"pk": keys.campaign(campaign_id), "prefix": keys.CHUNK_PREFIX}
        )
        return [dict(chunk) for chunk in found]

    def until_status(self, campaign_id: str, status: str) -> None:
        """Wait until the campaign is `completed` or the like."""
        self.wait_until(
            lambda: self.stack.show(campaign_id)["status"] == status,
            timeout=90,
            what=lambda: f"{campaign_id} is {status}: {self.meta(campaign_id)} {self.chunks(campaign_id)}",
        )

    def until_settled(self, campaign_id: str) -> None:
        """Wait until every row that was handed over is final."""
        self.wait_until(lambda: self.stack.show(campaign_id)["settled"], timeout=90, what="it is settled")

    def calls(self, id_: str) -> int:
        """How often the provider was called for a campaign or a single message."""
        found = (call.context.get("message_id", "") for call in self.cloud.control.carrier_calls())
        return sum(message_id == id_ or message_id.startswith(f"{id_}-") for message_id in found)

    def ordered(self, channel: str, profile: CarrierProfile = SMOOTH, **fields: Any) -> str:
        """A single message asked for by the API, of a carrier that behaves so; its id."""
        self.cloud.control.set_carrier_profile(profile)
        return self.stack.send_message(channel, **fields)

    def put_orders(self, *orders: dict[str, Any]) -> None:
        """Put orders into the outbox queue as an in-house producer does."""
        entries = [{"Id": str(place), "MessageBody": json.dumps(each)} for place, each in enumerate(orders)]
        url = self.stack.outputs.outbox.outbox_queue_url
        answer = self.stack.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed"), answer

    def until_message(self, message_id: str, status: str, code: str | None = None) -> None:
        """Wait until a single message is `delivered` or the like, with this error code."""

        def met() -> bool:
            found, shown = self.stack.call("GET", f"/api/messages/{message_id}")
            return found == 200 and (shown["status"], shown.get("error_code")) == (status, code)

        self.wait_until(met, timeout=60, what=f"{message_id} is {status} {code or ''}")

    def tracked(self, message_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The tracking rows that there are of these messages."""
        found = self.stack.tracking.batch_get(({"message_id": each} for each in message_ids), consistent=True)
        return [dict(row) for row in found]

    def used(self, function: str, action: str, name: str) -> bool:
        """Whether a function has asked for this action on the resource of this name."""
        return any(
            (each.session, each.action) == (function, action) and each.resource.endswith(name)
            for each in self.cloud.control.decisions()
        )

    def sweep(self) -> None:
        """Let the sweep's next tick come now."""
        self.cloud.control.advance_clock(60)

    def put_receipts(self, *bodies: dict[str, Any] | str) -> None:
        """Put events into the receipts queue as its topic and rule do."""
        sqs, url = self.stack.client("sqs"), self.stack.outputs.messaging.receipts_queue_url
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        for start in range(0, len(texts), 10):
            entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(texts[start : start + 10])]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)


def receipt(message_id: str, status: str, at_ms: int) -> dict[str, Any]:
    """What a configuration set sends to its topic about one of our messages."""
    return {
        "eventType": f"TEXT_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": at_ms,
        "isFinal": status == "DELIVERED",
        "messageId": f"provider-of-{message_id}",
        "messageStatus": status,
        "context": {"message_id": message_id, "stack": "local"},
    }
