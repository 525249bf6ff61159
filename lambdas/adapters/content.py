"""The content bucket: request bodies by their hash, orders of single messages by their id."""

from __future__ import annotations

import json
from typing import Any


def order_key(message_id: str) -> str:
    """Key of the order of a single message."""
    return f"orders/{message_id}.json"


class Content:
    """Stores what callers asked for and reads it back."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_request(self, body_hash: str, document: object) -> str:
        """Store a request body under its hash; returns its key."""
        key = f"requests/{body_hash}.json"
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
