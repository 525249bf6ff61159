"""A WhatsApp message as SendWhatsAppMessage takes it: Meta's Cloud API message, read and checked.

Source: WhatsApp Cloud API reference, "Messages"; AWS End User Messaging Social passes the object through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.core.correlation import CONTEXT_MESSAGE_ID, CONTEXT_STACK
from localcloud.wire import ServiceError

TYPES = (
    *("audio", "contacts", "document", "image", "interactive", "location", "reaction", "sticker", "template"),
    *("text", "video"),
)
_API_VERSION = re.compile(r"v[0-9]{1,2}\.[0-9]")
_NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
_LONGEST_TEXT = 4096
_LONGEST_CALLBACK_DATA = 512


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """The template a message is made from, and how many parameters it gives the body."""

    name: str
    language: str
    parameters: int


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message to one number (digits only); `callback_data` comes back with each of its statuses."""

    to: str
    type: str
    template: TemplateUse | None
    callback_data: str | None

    @property
    def context(self) -> dict[str, str]:
        """The callback data, and the ids in it where they are written as `<stack>/<message id>`."""
        if self.callback_data is None:
            return {}
        stack, separator, message_id = self.callback_data.partition("/")
        ids = {CONTEXT_STACK: stack, CONTEXT_MESSAGE_ID: message_id} if separator else {}
        return {"biz_opaque_callback_data": self.callback_data, **ids}


def check_api_version(version: str) -> None:
    """Raise the `ServiceError` for a Meta API version that is none."""
    if not _API_VERSION.fullmatch(version):
        raise ServiceError("ValidationException", f"metaApiVersion {version!r} is not of the form v20.0")


def read_message(body: bytes) -> OutboundMessage:
    """Read a message; raises `ServiceError` naming the first thing Meta would refuse."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise _invalid("the message is not JSON") from error
    if not isinstance(message, dict):
        raise _invalid("the message is not a JSON object")
    if message.get("messaging_product") != "whatsapp":
        raise _invalid("messaging_product must be whatsapp")
    to = message.get("to")
    if not isinstance(to, str) or not _NUMBER.fullmatch(to):
        raise _invalid("to must be a phone number with its country code")
    type_ = message.get("type", "text")
    if type_ not in TYPES:
        raise _invalid(f"type must be one of {', '.join(TYPES)}")
    content = _content(message, type_)
    if type_ == "text":
        _check_text(content)
    callback_data = message.get("biz_opaque_callback_data")
    if callback_data is not None and not (
        isinstance(callback_data, str) and len(callback_data) <= _LONGEST_CALLBACK_DATA
    ):
        raise _invalid(f"biz_opaque_callback_data is text of up to {_LONGEST_CALLBACK_DATA} characters")
    template = _template(content) if type_ == "template" else None
    return OutboundMessage(to.removeprefix("+"), type_, template, callback_data)


def _content(message: Mapping[str, Any], type_: str) -> Any:
    content = message.get(type_)
    if not content or not isinstance(content, list if type_ == "contacts" else dict):
        raise _invalid(f"a message of type {type_} needs {type_}")
    return content


def _check_text(text: Mapping[str, Any]) -> None:
    body = text.get("body")
    if not isinstance(body, str) or not 1 <= len(body) <= _LONGEST_TEXT:
        raise _invalid(f"text.body is text of up to {_LONGEST_TEXT} characters")


def _template(template: Mapping[str, Any]) -> TemplateUse:
    name, language = template.get("name"), template.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not isinstance(name, str) or not name:
        raise _invalid("template.name is missing")
    if not isinstance(code, str) or not code:
        raise _invalid("template.language.code is missing")
    components = template.get("components", [])
    if not isinstance(components, list) or not all(isinstance(each, dict) for each in components):
        raise _invalid("template.components is a list of objects")
    parameters = [each.get("parameters", []) for each in components if str(each.get("type", "")).lower() == "body"]
    if not all(isinstance(each, list) for each in parameters):
        raise _invalid("the parameters of a component are a list")
    return TemplateUse(name, code, sum(map(len, parameters)))


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParametersException", message)
