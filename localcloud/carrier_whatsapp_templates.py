"""Message templates of a WhatsApp business account.

Meta reviews a template for up to a day before it may be sent, and pauses or disables one that people block; here it is
approved at once, and has another status when the control API says so.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from localcloud.carrier_account import page
from localcloud.simulated_service import Answer, Params
from localcloud.wire import ServiceError

CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
APPROVED = "APPROVED"
STATUSES = (APPROVED, "PENDING", "REJECTED", "PAUSED", "DISABLED")
"""What Meta calls the states of a template that are simulated (WhatsApp Business Management API, message templates)."""
PAGE = ("nextToken", "maxResults")
"""Token and size of a page, as the service names them."""
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FIRST_ID = 1_000_000_000_000_001


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one language; `variables` are those of its body."""

    id: str
    definition: dict[str, Any]
    status: str = APPROVED

    @property
    def name(self) -> str:
        """The name, shared by its languages."""
        return str(self.definition["name"])

    @property
    def language(self) -> str:
        """For example `en_US`."""
        return str(self.definition["language"])

    @property
    def category(self) -> str:
        """One of `CATEGORIES`; it sets the price."""
        return str(self.definition["category"])

    @property
    def variables(self) -> int:
        """How many parameters the body takes."""
        bodies = [part.get("text", "") for part in self.definition["components"] if part.get("type") == "BODY"]
        return len({name for text in bodies for name in _VARIABLE.findall(text)})

    def summary(self) -> dict[str, Any]:
        """As ListWhatsAppMessageTemplates answers it."""
        return {
            "templateName": self.name,
            "metaTemplateId": self.id,
            "templateStatus": self.status,
            "templateQualityScore": "UNKNOWN",
            "templateLanguage": self.language,
            "templateCategory": self.category,
        }


class Templates:
    """The templates of one account, by name and language."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str], Template] = {}
        self._ids = itertools.count(_FIRST_ID)

    def find(self, name: str, language: str) -> Template | None:
        """The template a message names."""
        return self._templates.get((name, language))

    def create(self, definition: bytes) -> Answer:
        """Approve a template given as Meta's JSON; raises `ServiceError`."""
        values = _checked(definition)
        key = (values["name"], values["language"])
        if key in self._templates:
            raise _invalid(f"there is already a template {key[0]} in {key[1]}")
        template = self._templates[key] = Template(str(next(self._ids)), values)
        return {"metaTemplateId": template.id, "templateStatus": template.status, "category": template.category}

    def set_status(self, name: str, language: str, status: str) -> None:
        """Review a template anew, as Meta does; raises ValueError."""
        if status not in STATUSES:
            raise ValueError(f"the status of a template is one of {', '.join(STATUSES)}")
        if (template := self.find(name, language)) is None:
            raise ValueError(f"there is no template {name} in {language}")
        self._templates[name, language] = replace(template, status=status)

    def listed(self, params: Params) -> Answer:
        """One page of all of them."""
        summaries = [template.summary() for template in self._templates.values()]
        return page("templates", summaries, params, PAGE)

    def get(self, params: Params) -> Answer:
        """One template as Meta's JSON, by its id or by name and language."""
        id_, name, language = (params.get(key) for key in ("metaTemplateId", "templateName", "templateLanguageCode"))
        for template in self._templates.values():
            if id_ == template.id or (id_ is None and (name, language) == (template.name, template.language)):
                whole = {"id": template.id, "status": template.status, **template.definition}
                return {"template": json.dumps(whole)}
        raise ServiceError("ResourceNotFoundException", f"there is no template {id_ or name}")

    def delete(self, params: Params) -> Answer:
        """Delete a template in one language (by id), or in all of them."""
        name, id_ = params["templateName"], params.get("metaTemplateId")
        gone = [key for key, each in self._templates.items() if key[0] == name and (id_ is None or id_ == each.id)]
        if not gone:
            raise ServiceError("ResourceNotFoundException", f"there is no template {name}")
        for key in gone:
            del self._templates[key]
        return {}


def _checked(definition: bytes) -> dict[str, Any]:
    """What Meta asks of a template (WhatsApp Business Management API, message templates)."""
    try:
        values = json.loads(definition)
    except ValueError as error:
        raise _invalid("the template definition is not JSON") from error
    if not isinstance(values, dict):
        raise _invalid("the template definition is not a JSON object")
    if not _NAME.fullmatch(str(values.get("name", ""))):
        raise _invalid("a template's name has lower-case letters, digits and underscores")
    if not isinstance(values.get("language"), str) or not values["language"]:
        raise _invalid("a template has a language, for example en_US")
    if values.get("category") not in CATEGORIES:
        raise _invalid(f"a template's category is one of {', '.join(CATEGORIES)}")
    components = values.get("components")
    if not isinstance(components, list) or not all(isinstance(each, dict) for each in components):
        raise _invalid("a template has a list of components")
    if not any(each.get("type") == "BODY" and each.get("text") for each in components):
        raise _invalid("a template has a BODY component with a text")
    return values


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParametersException", message)
