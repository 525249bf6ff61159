"""The report of a plan's left-out rows, written to the content bucket while it grows."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from lambdas.core.plan_checkpoint import ReportState
from lambdas.core.plan_row import ExcludedRow
from lambdas.core.report import report_header, report_line

PART_BYTES = 6 * 1024 * 1024
"""Of one part of an upload: at least 5 MB, except of the last (S3 user guide, "Multipart upload limits")."""
CONTENT_TYPE = "text/csv; charset=utf-8"


def report_key(plan: str) -> str:
    """Key of a plan's report."""
    return f"reports/{plan}.csv"


class ReportLostError(RuntimeError):
    """The upload that a checkpoint names is gone: it was completed by a process that died right after, or removed."""


class ReportWriter:
    """Writes one report, in parts if it is large; `state` is enough for another process to go on."""

    def __init__(self, client: Any, bucket: str, key: str, state: ReportState | None = None) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self.state = state or ReportState(tail=report_header())
        self._lines: list[bytes] = [self.state.tail]
        self._size = len(self.state.tail)

    def add(self, row: ExcludedRow) -> None:
        """Write one row left out."""
        line = report_line(row)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= PART_BYTES:
            self._upload()

    def pause(self) -> ReportState:
        """What is written so far and what is not, for a checkpoint."""
        self._lines = [b"".join(self._lines)]
        self.state.tail = self._lines[0]
        return self.state

    def finish(self) -> None:
        """Make the report readable."""
        if self.state.upload_id is None:
            self._client.put_object(**self._place, Body=b"".join(self._lines), ContentType=CONTENT_TYPE)
            return
        if self._size:
            self._upload()
        self._complete()

    def _complete(self) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self.state.etags, 1)]
        self._call("complete_multipart_upload", MultipartUpload={"Parts": parts})

    def _upload(self) -> None:
        if self.state.upload_id is None:
            answer = self._client.create_multipart_upload(**self._place, ContentType=CONTENT_TYPE)
            self.state.upload_id = answer["UploadId"]
        answer = self._call("upload_part", PartNumber=len(self.state.etags) + 1, Body=b"".join(self._lines))
        self.state.etags.append(answer["ETag"])
        self._lines, self._size = [], 0

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**self._place, UploadId=self.state.upload_id, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchUpload":
                raise ReportLostError(f"the upload of {self._place['Key']} is gone") from error
            raise
