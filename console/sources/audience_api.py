"""The API of uploaded audiences, and the upload itself: one form, sent as it is read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from console.audiences import AudienceOrder
from console.domain import AcceptedCampaign, ConsoleError, ProblemKind
from console.sources.api import IDEMPOTENCY_HEADER
from console.sources.clients import CONNECT_SECONDS, Clients, require_loopback
from console.sources.signed_api import SignedApi
from console.text import safe_line

UPLOAD_READ_SECONDS = 60
"""How long the store may take to answer once the last byte is sent."""
Told = Callable[[int], None]
"""Is told the bytes sent so far."""


class AudienceApi:
    """Uploads audiences and asks for their plans. Methods block and raise `ConsoleError`."""

    def __init__(self, api: SignedApi, clients: Clients) -> None:
        self._api = api
        self._clients = clients

    def upload(self, order: AudienceOrder, told: Told) -> str:
        """Upload the order's file; the audience's id."""
        answer = self._api.call("POST", "/api/audiences", {"format": order.format.value})
        try:
            audience_id, form = str(answer["audience_id"]), answer["upload"]
            url, fields = str(form["url"]), {str(name): str(value) for name, value in form["fields"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise _malformed("has no form") from error
        self._post(url, fields, order.path, told)
        return audience_id

    def _post(self, url: str, fields: Mapping[str, str], path: Path, told: Told) -> None:
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session

        local = self._clients.target.is_local
        parts = urlsplit(url)
        if local:
            require_loopback(f"{parts.scheme}://{parts.netloc}")
        elif parts.scheme != "https":
            raise ConsoleError(ProblemKind.BAD_ANSWER, f"the upload's address {safe_line(url, 120)} is not https")
        with path.open("rb") as file:
            form = FormBody(fields, file, path.stat().st_size, told)
            request = AWSRequest("POST", url, data=form)
            request.headers["Content-Type"] = form.content_type
            request.headers["Content-Length"] = str(len(form))
            session = URLLib3Session(proxies={} if local else None, timeout=(CONNECT_SECONDS, UPLOAD_READ_SECONDS))
            self._clients.meter.count("s3:PutObject")
            response = session.send(request.prepare())
        if not 200 <= response.status_code < 300:
            raise ConsoleError(
                ProblemKind.UNEXPECTED,
                f"the upload was refused ({response.status_code}: {safe_line(response.text, 200)})",
                "ask again: a form holds for an hour and for the size that it names",
            )

    def dry_run(self, order: AudienceOrder, audience_id: str) -> str:
        """Ask for a plan; its id."""
        body = order.document(audience_id, dry_run=True)
        answer = self._api.call("POST", "/api/send-campaign", body, {IDEMPOTENCY_HEADER: order.key})
        return _text(answer, "plan_id")

    def plan(self, plan_id: str) -> dict[str, Any]:
        """The plan as the API sees it now."""
        return self._api.call("GET", f"/api/plans/{plan_id}")

    def send(self, order: AudienceOrder, audience_id: str) -> AcceptedCampaign:
        """Create the campaign; the same order again gives the same one."""
        body = order.document(audience_id, dry_run=False)
        answer = self._api.call("POST", "/api/send-campaign", body, {IDEMPOTENCY_HEADER: order.key})
        return AcceptedCampaign(
            id=_text(answer, "campaign_id"), status=_text(answer, "status"), url=safe_line(answer.get("url", ""), 200)
        )

    def campaign_plan(self, campaign_id: str) -> dict[str, Any]:
        """The plan of a campaign as the API sees it now; empty before its planning has begun."""
        plan = self._api.call("GET", f"/api/campaigns/{campaign_id}").get("plan")
        return plan if isinstance(plan, dict) else {}


class FormBody:
    """A multipart form with one file, read piece by piece while it is sent (RFC 7578)."""

    def __init__(self, fields: Mapping[str, str], file: BinaryIO, size: int, told: Told) -> None:
        edge = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={edge}"
        texts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="audience"\r\n\r\n'
        self._before = "".join([*texts, head]).encode()
        self._after = f"\r\n--{edge}--\r\n".encode()
        self._file = file
        self._size = size
        self._told = told
        self._at = 0

    def __len__(self) -> int:
        return len(self._before) + self._size + len(self._after)

    def read(self, most: int = -1) -> bytes:
        """The next bytes, at most so many; what is beyond the size that was announced is left out."""
        most = len(self) if most < 0 else most
        file_at = self._at - len(self._before)
        if file_at < 0:
            piece = self._before[self._at :][:most]
        elif file_at < self._size:
            piece = self._file.read(min(most, self._size - file_at))
            if not piece and most:
                raise OSError("the file has become shorter while it was sent")
            self._told(file_at + len(piece))
        else:
            piece = self._after[file_at - self._size :][:most]
        self._at += len(piece)
        return piece


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(f"lacks {name}")
    return safe_line(value, 100)


def _malformed(why: str) -> ConsoleError:
    return ConsoleError(
        ProblemKind.BAD_ANSWER,
        f"the campaign API's answer {why}",
        "is the stack of the same version as this console?",
    )
