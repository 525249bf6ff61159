"""The content bucket: request bodies by their hash, orders of single messages by their id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambdas.core.campaign_request import canonical_hash


def request_key(document: Mapping[str, Any]) -> str:
    """Key of a request body: another body, be it by one setting of the stack, never takes its place."""
    return f"requests/{canonical_hash(document)}.json"


def order_key(message_id: str) -> str:
    """Key of the order of a single message."""
    return f"orders/{message_id}.json"


class Content:
    """Stores what callers asked for and reads it back."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_request(self, document: Mapping[str, Any]) -> str:
        """Store a request body; returns its key."""
        key = request_key(document)
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=json.dumps(document).encode(), ContentType="application/json"
        )
        return key

    def get_request(self, key: str) -> Any:
        """Read a request body back."""
        return json.loads(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def link(self, key: str, seconds: int) -> str:
        """A link that reads one object without further rights; it also ends with the credentials that signed it."""
        link: str = self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": "attachment"},
            ExpiresIn=seconds,
        )
        return link

    def put_order(self, message_id: str, document: object) -> None:
        """Keep the order of a single message for the legs that may follow it."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=order_key(message_id),
            Body=json.dumps(document).encode(),
            ContentType="application/json",
        )

    def get_order(self, message_id: str) -> Any:
        """Read the order of a single message back."""
        return self.get_request(order_key(message_id))
