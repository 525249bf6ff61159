"""A mail as SendEmail takes it: read, checked and rendered.

Sources: Amazon SES API v2 reference, SendEmail and MessageTag; developer guide, "Using templates" (a variable that the
data lacks makes a mail that was accepted fail with a Rendering Failure event).
"""

from __future__ import annotations

import email.message
import email.policy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import getaddresses, parseaddr
from typing import Any, NamedTuple

from localcloud.wire import ServiceError

Params = Mapping[str, Any]
Template = Mapping[str, str]
"""Subject, text and html of a stored template, by `Subject`, `Text` and `Html`."""

_RECIPIENTS = 50
"""Of one mail (SES quotas)."""
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")
_EXPRESSION = re.compile(r"\{\{\s*[#/>^!&{][^}]*\}\}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Addresses(NamedTuple):
    """Who gets a mail, each as given: with or without a display name."""

    to: list[str]
    cc: list[str]
    bcc: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to send: `content` is one of the API's (Simple or Raw), `failure` (template, what is wrong) or None."""

    source: str
    addresses: Addresses
    content: dict[str, Any]
    subject: str | None
    tags: dict[str, str]
    failure: tuple[str, str] | None = None

    @property
    def sender(self) -> str:
        """The sender's address without a display name."""
        return parseaddr(self.source)[1]

    @property
    def recipients(self) -> list[str]:
        """Every recipient's address without a display name."""
        return [address for _, address in getaddresses([each for part in self.addresses for each in part])]

    def headers(self) -> list[dict[str, str]]:
        """The headers that SES would write."""
        to, cc, _ = self.addresses
        values = {"From": self.source, "To": ", ".join(to), "Cc": ", ".join(cc), "Subject": self.subject}
        written = [{"name": name, "value": value} for name, value in values.items() if value]
        return [*written, {"name": "MIME-Version", "value": "1.0"}]


def sender_of(params: Params) -> str:
    """The address that a call sends from, empty when it names none."""
    raw = params["Content"].get("Raw")
    source = params.get("FromEmailAddress") or (str(_parsed(raw).get("From", "")) if raw else "")
    return parseaddr(source)[1]


def read_mail(params: Params, template: Callable[[str], Template]) -> Mail:
    """Read a call's mail; `template` answers a stored one by name. Raises `ServiceError`."""
    tags = {tag["Name"]: tag["Value"] for tag in params.get("EmailTags", ())}
    for text in (*tags, *tags.values()):
        if not _TAG.fullmatch(text):
            raise _bad(f"an email tag has letters, digits, _ and - (1 to 256 of them), not {text!r}")
    kinds = [kind for kind in ("Simple", "Raw", "Template") if params["Content"].get(kind)]
    if len(kinds) != 1:
        raise _bad("Content has exactly one of Simple, Raw and Template")
    content = params["Content"][kinds[0]]
    mail = _READERS[kinds[0]](params, content, tags, template)
    if not mail.sender:
        raise _bad("FromEmailAddress is missing")
    if not 1 <= len(mail.recipients) <= _RECIPIENTS:
        raise _bad(f"a mail has 1 to {_RECIPIENTS} recipients, not {len(mail.recipients)}")
    return mail


def _addresses(params: Params) -> Addresses:
    destination = params.get("Destination", {})
    return Addresses(*(list(destination.get(f"{kind}Addresses", ())) for kind in ("To", "Cc", "Bcc")))


def _simple(params: Params, content: Params, tags: dict[str, str], template: Callable[[str], Template]) -> Mail:
    source, subject = params.get("FromEmailAddress", ""), content["Subject"]["Data"]
    if not content["Body"]:
        raise _bad("the body has a text, an HTML part, or both")
    plain = {"Simple": {"Subject": content["Subject"], "Body": content["Body"]}}
    return Mail(source=source, addresses=_addresses(params), content=plain, subject=subject, tags=tags)


def _raw(params: Params, content: Params, tags: dict[str, str], template: Callable[[str], Template]) -> Mail:
    parsed = _parsed(content)
    addresses = _addresses(params)
    if not any(addresses):
        addresses = Addresses(*([str(each) for each in parsed.get_all(key, [])] for key in ("To", "Cc", "Bcc")))
    source = params.get("FromEmailAddress") or str(parsed.get("From", ""))
    subject = str(parsed.get("Subject", ""))
    return Mail(source=source, addresses=addresses, content={"Raw": content}, subject=subject, tags=tags)


def _parsed(raw: Params) -> email.message.EmailMessage:
    return email.message_from_bytes(raw["Data"], policy=email.policy.default)


def _templated(params: Params, content: Params, tags: dict[str, str], template: Callable[[str], Template]) -> Mail:
    source, addresses = params.get("FromEmailAddress", ""), _addresses(params)
    name = content.get("TemplateName") or content.get("TemplateArn", "").rpartition("template/")[2]
    stored = template(name) if name else content.get("TemplateContent")
    if not stored:
        raise _bad("Content.Template names a template or has a TemplateContent")
    data = _template_data(content.get("TemplateData") or "{}")
    parts = {part: stored.get(part) or "" for part in ("Subject", "Text", "Html")}
    missing = _missing(parts, data)
    if missing is not None:
        failure = (name, f"Attribute '{missing}' is not present in the rendering data.")
        return Mail(source=source, addresses=addresses, content={}, subject=None, tags=tags, failure=failure)
    rendered = {part: _VARIABLE.sub(lambda found: str(data[found.group(1)]), text) for part, text in parts.items()}
    body = {part: {"Data": rendered[part]} for part in ("Text", "Html") if rendered[part]}
    simple = {"Subject": {"Data": rendered["Subject"]}, "Body": body}
    subject = rendered["Subject"]
    return Mail(source=source, addresses=addresses, content={"Simple": simple}, subject=subject, tags=tags)


def _template_data(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _bad("TemplateData is not JSON") from error
    if not isinstance(data, dict):
        raise _bad("TemplateData is not a JSON object")
    return data


def _missing(parts: Mapping[str, str], data: Mapping[str, Any]) -> str | None:
    """The first variable without a value; conditions and loops of SES's templates are not simulated."""
    for text in parts.values():
        if found := _EXPRESSION.search(text):
            raise _bad(f"the embedded SES renders plain variables only, not {found.group()}")
        for name in _VARIABLE.findall(text):
            if name not in data:
                return str(name)
    return None


_READERS = {"Simple": _simple, "Raw": _raw, "Template": _templated}


def _bad(message: str) -> ServiceError:
    return ServiceError("BadRequestException", message)
