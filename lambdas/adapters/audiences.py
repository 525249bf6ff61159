"""Audiences that callers upload: a form for one object, whether it has come, and its bytes in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, HTTPClientError

from lambdas.adapters.dynamo import Table
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.audience_lines import MAX_UPLOAD_BYTES, AudienceError, AudienceFormat

PREFIX = "audiences"
UPLOAD_SECONDS = 3_600
"""How long a form may be used, at most: it ends with the credentials that signed it (S3 user guide, "Download and
upload objects with presigned URLs")."""
PIECE_BYTES = 2 * 1024 * 1024
"""Read at once: each piece is a request of its own, so no connection has to outlast the work in between."""
READ_TRIES = 3
CONTENT_TYPES: Mapping[AudienceFormat, str] = {
    AudienceFormat.CSV: "text/csv",
    AudienceFormat.JSONL: "application/x-ndjson",
}


class Upload(NamedTuple):
    """An object that has come: its size in bytes, its ETag, which is another for other bytes, and when (epoch ms)."""

    key: str
    format: AudienceFormat
    size: int
    etag: str
    at_ms: int

    def to_item(self) -> dict[str, Any]:
        """As an attribute of a PLAN item, which pins it: what is planned is this upload and no later one."""
        return {
            "key": self.key,
            "format": self.format.value,
            "size": self.size,
            "etag": self.etag,
            "at": self.at_ms,
        }

    @classmethod
    def from_item(cls, value: Mapping[str, Any]) -> Upload:
        """The inverse of `to_item`."""
        return cls(value["key"], AudienceFormat(value["format"]), int(value["size"]), value["etag"], int(value["at"]))


class Audiences:
    """AUDIENCE items of the campaigns table and the objects under `audiences/` of the content bucket."""

    def __init__(self, table: Table, client: Any, bucket: str) -> None:
        self._table = table
        self._client = client
        self._bucket = bucket

    def create(self, item: Mapping[str, Any]) -> None:
        """Put a new AUDIENCE item."""
        self._table.put_new(item, "pk")

    def get(self, audience_id: str) -> Item | None:
        """The AUDIENCE item."""
        return self._table.get({"pk": keys.audience(audience_id), "sk": keys.META})

    def form(self, audience_id: str, format: AudienceFormat) -> dict[str, Any]:
        """The `url` and the `fields` of a form that uploads the audience as one object of up to 1 GB."""
        kind = {"Content-Type": CONTENT_TYPES[format]}
        form: dict[str, Any] = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=object_key(audience_id),
            Fields=kind,
            Conditions=[kind, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return form

    def upload(self, audience_id: str, format: AudienceFormat) -> Upload | None:
        """What has been uploaded; None before that.

        Found by listing: without that right, S3 answers a question about a missing object as it answers one without
        rights (API reference, HeadObject), and with it the list alone is enough.
        """
        key = object_key(audience_id)
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1).get("Contents", ())
        for each in found:
            if each["Key"] == key:
                at_ms = int(each["LastModified"].timestamp() * 1_000)
                return Upload(key, format, each["Size"], each["ETag"], at_ms)
        return None

    def pieces(self, upload: Upload, offset: int) -> Iterator[bytes]:
        """The bytes from `offset` on; raises `AudienceError` if another upload has taken the object's place."""
        while offset < upload.size:
            piece = self._read(upload, offset, min(offset + PIECE_BYTES, upload.size) - 1)
            offset += len(piece)
            yield piece

    def _read(self, upload: Upload, first: int, last: int) -> bytes:
        for left in reversed(range(READ_TRIES)):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=upload.key, Range=f"bytes={first}-{last}", IfMatch=upload.etag
                )
                body: bytes = answer["Body"].read()
                return body
            except HTTPClientError:
                if not left:
                    raise
            except ClientError as error:
                if error.response["Error"]["Code"] in ("PreconditionFailed", "NoSuchKey", "412"):
                    raise AudienceError(
                        "the file was uploaded again while it was being planned: make a new audience for another file"
                    ) from error
                raise
        raise AssertionError("the last try returns or raises")


def object_key(audience_id: str) -> str:
    """Key of an uploaded audience."""
    return f"{PREFIX}/{audience_id}"
