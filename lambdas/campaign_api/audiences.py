"""Uploaded audiences: `POST /api/audiences` and `GET /api/audiences/{id}`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from lambdas.adapters.audiences import UPLOAD_SECONDS, Audiences, Upload
from lambdas.campaign_api.answers import Answer, ApiError, Caller
from lambdas.core import keys
from lambdas.core.audience_lines import MAX_UPLOAD_BYTES, AudienceFormat
from lambdas.core.campaign_request import AUDIENCE_ID
from lambdas.core.days import SECONDS_PER_DAY


class AudienceService:
    """Gives out forms for uploads, and says what has come."""

    def __init__(self, audiences: Audiences, retention_days: int, now_ms: Callable[[], int]) -> None:
        self._audiences = audiences
        self._retention_days = retention_days
        self._now_ms = now_ms

    def create(self, document: object, caller: Caller) -> Answer:
        """201 with the audience's id and the form that uploads it, which holds for an hour."""
        fields = document if isinstance(document, dict) else {}
        if fields.keys() != {"format"} or fields["format"] not in tuple(AudienceFormat):
            formats = " or ".join(f'{{"format": "{each}"}}' for each in AudienceFormat)
            raise ApiError(400, "invalid_request", f"the body must be {formats}")
        format = AudienceFormat(fields["format"])
        audience_id = f"a-{secrets.token_hex(10)}"
        now_ms = self._now_ms()
        self._audiences.create(
            {
                "pk": keys.audience(audience_id),
                "sk": keys.META,
                "format": format.value,
                "created_at": now_ms,
                "caller": caller.identity,
                "ttl": now_ms // 1_000 + self._retention_days * SECONDS_PER_DAY,
            }
        )
        form = self._audiences.form(audience_id, format)
        body = {
            "audience_id": audience_id,
            "format": format.value,
            "upload": {**form, "max_bytes": MAX_UPLOAD_BYTES},
            "expires_at_ms": now_ms + UPLOAD_SECONDS * 1_000,
            "url": _url(audience_id),
        }
        return Answer(201, body, {"Location": _url(audience_id)})

    def show(self, audience_id: str) -> Answer:
        """Whether the file is there, and its size."""
        format, upload = self._find(audience_id)
        return Answer(
            200,
            {
                "audience_id": audience_id,
                "format": format.value,
                "uploaded": upload is not None,
                "bytes": upload.size if upload else 0,
                "uploaded_at_ms": upload.at_ms if upload else None,
            },
        )

    def require(self, audience_id: str) -> Upload:
        """What a campaign is to be sent to; 404 and 409 where it is not there."""
        _, upload = self._find(audience_id)
        if upload is None:
            raise ApiError(
                409,
                "not_uploaded",
                f"nothing has been uploaded as {audience_id} yet: send the file with the form that POST /api/audiences "
                "answered",
                url=_url(audience_id),
            )
        return upload

    def _find(self, audience_id: str) -> tuple[AudienceFormat, Upload | None]:
        item: Any = self._audiences.get(audience_id) if AUDIENCE_ID.fullmatch(audience_id) else None
        if item is None:
            raise ApiError(404, "unknown_audience", f"there is no audience {audience_id[:64]}")
        format = AudienceFormat(item["format"])
        return format, self._audiences.upload(audience_id, format)


def _url(audience_id: str) -> str:
    return f"/api/audiences/{audience_id}"
