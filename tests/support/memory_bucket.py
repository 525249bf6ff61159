"""A bucket in memory: the calls of S3 that planning makes, with its errors."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any

from botocore.exceptions import ClientError

MIN_PART = 5 * 1024 * 1024
"""Of a part of an upload that is not the last one (S3 user guide, "Multipart upload limits")."""


class Bucket:
    """One bucket."""

    def __init__(self, *, min_part: int = MIN_PART) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self._min_part = min_part

    def etag(self, key: str) -> str:
        """The ETag of an object."""
        return f'"{hashlib.sha256(self.objects[key]).hexdigest()}"'

    def put_object(self, *, Key: str, Body: Any, **_: Any) -> None:
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()

    def get_object(self, *, Key: str, Range: str | None = None, IfMatch: str | None = None, **_: Any) -> dict[str, Any]:
        if IfMatch is not None and IfMatch != self.etag(Key):
            raise _error("PreconditionFailed")
        data = self.objects[Key]
        if found := re.fullmatch(r"bytes=(\d+)-(\d+)", Range or ""):
            data = data[int(found.group(1)) : int(found.group(2)) + 1]
        return {"Body": io.BytesIO(data)}

    def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        upload_id = f"upload-{len(self.uploads)}"
        self.uploads[upload_id] = {}
        return {"UploadId": upload_id}

    def upload_part(self, *, UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> dict[str, Any]:
        self._upload(UploadId)[PartNumber] = Body
        return {"ETag": f"etag-{PartNumber}"}

    def complete_multipart_upload(self, *, Key: str, UploadId: str, MultipartUpload: dict[str, Any], **_: Any) -> None:
        parts = self._upload(UploadId)
        bodies = [parts[each["PartNumber"]] for each in MultipartUpload["Parts"]]
        if any(len(body) < self._min_part for body in bodies[:-1]):
            raise _error("EntityTooSmall")
        self.objects[Key] = b"".join(bodies)
        del self.uploads[UploadId]

    def _upload(self, upload_id: str) -> dict[int, bytes]:
        if upload_id not in self.uploads:
            raise _error("NoSuchUpload")
        return self.uploads[upload_id]


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "S3")
