"""What a WhatsApp template asks of a message, which gives texts for the places of its body and nothing else.

Shapes: Meta's WhatsApp Business Management API, "Message templates" (components, parameter formats, statuses), which
AWS passes through (AWS End User Messaging Social API reference, GetWhatsAppMessageTemplate).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.core.template_flaw import TemplateFlawError

APPROVED = "APPROVED"
_REMEDIES = {
    "PENDING": "wait until Meta has approved it",
    "PAUSED": "wait until Meta lets it go on, or name another",
}
_OTHERWISE = "name one that is approved; WhatsApp Manager says why"
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PLAIN_PARTS = frozenset({"BODY", "FOOTER", "HEADER", "BUTTONS"})
_PLAIN_BUTTONS = frozenset({"QUICK_REPLY", "PHONE_NUMBER", "URL", "VOICE_CALL", "CATALOG"})
"""Buttons that may be sent without a parameter; the address of a URL may have a place."""


def require_approved(status: str) -> None:
    """Raise `TemplateFlawError` unless Meta lets a template of this status be sent."""
    if status != APPROVED:
        raise TemplateFlawError(
            f"is {status[:20] or 'of no known status'} at Meta: {_REMEDIES.get(status, _OTHERWISE)}"
        )


def body_places(template: str) -> int:
    """How many parameters the body takes, of a template as JSON; raises `TemplateFlawError`."""
    try:
        document = json.loads(template)
    except (ValueError, RecursionError):
        document = None
    components = document.get("components") if isinstance(document, dict) else None
    if not isinstance(components, list) or not all(isinstance(each, dict) for each in components):
        raise TemplateFlawError("cannot be read: AWS's answer has no components")
    for component in components:
        for part in _parts_with_parameters(component):
            raise TemplateFlawError(
                f"takes parameters in {part}, and messages have them for the body alone: name another one"
            )
    places = {place for each in components if _kind(each) == "BODY" for place in _places(each.get("text"))}
    if any(not place.isdecimal() for place in places):
        raise TemplateFlawError(
            "has parameters with names, and messages give them by place: write {{1}}, {{2}} at Meta"
        )
    return len(places)


def _parts_with_parameters(component: Mapping[str, Any]) -> Iterator[str]:
    """The parts besides the body that a message would have to fill."""
    kind = _kind(component)
    if kind not in _PLAIN_PARTS:
        yield kind.lower()[:40] or "a part without a type"
    elif kind == "HEADER" and (component.get("format", "TEXT") != "TEXT" or _places(component.get("text"))):
        yield "its header"
    elif kind == "BUTTONS":
        buttons = component.get("buttons")
        for button in buttons if isinstance(buttons, list) else ():
            if isinstance(button, dict) and (_kind(button) not in _PLAIN_BUTTONS or _places(button.get("url"))):
                yield "a button"


def _kind(part: Mapping[str, Any]) -> str:
    return str(part.get("type", "")).upper()


def _places(text: object) -> list[str]:
    return _PLACE.findall(text) if isinstance(text, str) else []
