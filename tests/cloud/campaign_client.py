"""Test client of a provisioned stack: the signed API, the tables, the carrier's memory."""

from __future__ import annotations

import itertools
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from lambdas.adapters.dynamo import Table
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.outputs import StackOutputs

CONTENT: Mapping[str, Mapping[str, Any]] = {
    Channel.WHATSAPP: {"template": {"name": "order_ready", "parameters": ["Ada"]}},
    Channel.EMAIL: {"subject": "Your table"},
}
"""What a message of a channel has beside its body."""


def destination(channel: str, number: int) -> dict[str, str]:
    """An ordinary recipient's field; whom a test has suppressed in a shared cloud must be none of these."""
    if channel == Channel.EMAIL:
        return {"email": f"guest{number}@example.com"}
    return {"phone": f"+1206{'555' if channel == Channel.SMS else '556'}{number:04d}"}


def eligible_users(count: int, channels: Sequence[str] = (Channel.SMS,), *, first: int = 0) -> list[dict[str, Any]]:
    """A campaign's ordinary recipients, counted up from `first`, of each channel in turn."""
    return [
        {"customer_id": f"customer-{row}", "selected_channel": channel, **destination(channel, first + row)}
        for row, channel in zip(range(count), itertools.cycle(channels), strict=False)
    ]


_TURNS = itertools.cycle(range(10))


def message_order(channel: str, **fields: Any) -> dict[str, Any]:
    """A single message to one of a few ordinary recipients in turn: none takes as many an hour as the guard stops."""
    body = {"customer_id": "1", "channel": channel, "body": "Your code is 1234"}
    return {**body, **destination(channel, next(_TURNS)), **CONTENT.get(channel, {}), **fields}


class StackClient:
    """Everything a test asks of one running stack."""

    def __init__(self, outputs: StackOutputs, endpoint_url: str) -> None:
        self.outputs = outputs
        self._arguments: dict[str, Any] = {
            "endpoint_url": endpoint_url,
            "region_name": outputs.identity.region,
            "aws_access_key_id": outputs.identity.account_id,
            "aws_secret_access_key": "local",
        }
        self._http = URLLib3Session()
        dynamo = self.client("dynamodb")
        self.campaigns = Table(dynamo, outputs.campaigns.campaigns_table)
        once = self.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 1}))
        self.money = Table(once, outputs.campaigns.campaigns_table)
        """The campaigns table for writes that add up."""
        self.tracking = Table(dynamo, outputs.messaging.delivery_tracking_table)
        self.rate_limits = Table(dynamo, outputs.messaging.rate_limits_table)

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client of the stack's cloud."""
        return boto3.client(service, **self._arguments, **settings)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        sign: bool = True,
        credentials: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """One API request, by the account's root or with `credentials` (boto3's names); (status, body)."""
        data = json.dumps(body).encode() if body is not None else b""
        request = AWSRequest(method, self.outputs.campaigns.api_url + path, data=data, headers=dict(headers or {}))
        if data:
            request.headers["content-type"] = "application/json"
        if sign:
            by = credentials or self._arguments
            signer = Credentials(
                *(by.get(f"aws_{name}") for name in ("access_key_id", "secret_access_key", "session_token"))
            )
            SigV4Auth(signer, "execute-api", self.outputs.identity.region).add_auth(request)
        answer = self._http.send(request.prepare())
        return answer.status_code, json.loads(answer.content)

    def send_campaign(
        self, recipients: int, tps: float, *, key: str, channels: Sequence[str] = (Channel.SMS,), **fields: Any
    ) -> str:
        """Start a campaign to ordinary recipients, of each channel in turn; its id. The key picks the recipients, who
        are none of those that single messages and other requests go to: what those leave behind changes nothing."""
        first = 1_000 + zlib.crc32(key.encode()) % 7_000
        users = eligible_users(recipients, channels, first=first)
        content = {channel: CONTENT[channel] for channel in channels if channel in CONTENT}
        body = {"eligible_users": users, "throughput_tps": tps, "body": "Your table is ready", "content": content}
        status, answer = self.call("POST", "/api/send-campaign", {**body, **fields}, headers={"Idempotency-Key": key})
        assert status == 202, answer
        return str(answer["campaign_id"])

    def send_message(self, channel: str, **fields: Any) -> str:
        """Ask for a single message to an ordinary recipient; its id."""
        status, answer = self.call("POST", "/api/messages", message_order(channel, **fields))
        assert status == 202, answer
        return str(answer["message_id"])

    def upload(self, data: bytes, format: str = "csv") -> str:
        """Upload an audience with the form that the API gives out; its id."""
        status, answer = self.call("POST", "/api/audiences", {"format": format})
        assert status == 201, answer
        code, text = self.post_form(answer["upload"], data)
        assert code == 204, text
        return str(answer["audience_id"])

    def post_form(self, form: Mapping[str, Any], data: bytes) -> tuple[int, str]:
        """Send a form with a file, as a browser does: without any signature but the form's own."""
        fields = [
            f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in form["fields"].items()
        ]
        file = '--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        body = "".join([*fields, file]).encode() + data + b"\r\n--edge--\r\n"
        request = AWSRequest("POST", form["url"], data=body)
        request.headers["content-type"] = "multipart/form-data; boundary=edge"
        answer = self._http.send(request.prepare())
        return answer.status_code, answer.text

    def get_link(self, url: str) -> tuple[int, str]:
        """Follow a link without rights of one's own."""
        answer = self._http.send(AWSRequest("GET", url).prepare())
        return answer.status_code, answer.content.decode("utf-8-sig")

    def show(self, campaign_id: str) -> dict[str, Any]:
        """`GET /api/campaigns/{id}`."""
        status, answer = self.call("GET", f"/api/campaigns/{campaign_id}")
        assert status == 200, answer
        return answer

    def rows(self, campaign_id: str, recipients: int) -> list[TrackedMessage]:
        """The campaign's tracking rows."""
        found = self.tracking.batch_get(
            ({"message_id": keys.message(campaign_id, row)} for row in range(recipients)), consistent=True
        )
        return [TrackedMessage.from_item(item) for item in found]

    @staticmethod
    def today() -> str:
        """The UTC day, as the tables name it."""
        return datetime.now(UTC).date().isoformat()

    def statuses(self, campaign_id: str, recipients: int) -> Counter[str]:
        """How many rows have which status."""
        return Counter(row.state.status.value for row in self.rows(campaign_id, recipients))
