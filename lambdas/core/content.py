"""What a message says, channel by channel: asked for with variables, checked, and rendered for one recipient.

A variable is written `{{ name }}`. SMS has a body. WhatsApp has an approved template with parameters, or a body, which
Meta takes only within 24 hours of the recipient's own message (End User Messaging Social user guide, "Sending
messages"). Email has a subject with a body, HTML or both, or a template stored in SES, which SES renders itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lambdas.core.channels import Channel

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""A variable of a text, `{{ name }}`."""
LOOSE_BRACES = re.compile(r"\{\{|\}\}")
LOOSE_OPENING = re.compile(r"\{\{")
"""What is looked for in HTML, whose style rules may well end in two braces."""
TEMPLATE_NAME = re.compile(r"[A-Za-z0-9_-]{1,512}")
"""What WhatsApp (lower case, up to 512) and SES (up to 64) allow between them; each refuses what it does not know."""
LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?")
DEFAULT_LANGUAGE = "en_US"
MAX_WHATSAPP_CHARACTERS = 4096
"""Longest text message (Meta's Cloud API reference, messages, text object)."""
MAX_SUBJECT_CHARACTERS = 998
"""Longest line of a header (RFC 5322, section 2.1.1)."""
MAX_TEXT_CHARACTERS = 100_000
"""Of one text, before and after its variables are filled in: planning and sending hold many messages in memory."""
MAX_PARAMETERS = 100
FIELDS = frozenset({"body", "subject", "html", "template"})


@dataclass(frozen=True, slots=True)
class Template:
    """A template kept by the provider: WhatsApp takes `parameters` in order, SES takes `data` by name."""

    name: str
    language: str = DEFAULT_LANGUAGE
    parameters: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The template as JSON values."""
        return {
            "name": self.name,
            "language": self.language,
            "parameters": list(self.parameters),
            "data": dict(self.data),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Template:
        """The inverse of `to_json`."""
        return cls(value["name"], value["language"], tuple(value["parameters"]), value["data"])


@dataclass(frozen=True, slots=True)
class Content:
    """Texts of one message; empty where there is none."""

    body: str = ""
    subject: str = ""
    html: str = ""
    template: Template | None = None

    def texts(self) -> Iterable[str]:
        """Everything that may hold variables."""
        return (self.body, self.subject, self.html, *(self.template.parameters if self.template else ()))

    def missing(self, variables: Mapping[str, str]) -> list[str]:
        """Names of the variables that `variables` lacks."""
        return sorted({name for text in self.texts() for name in VARIABLE.findall(text) if name not in variables})

    def rendered_lengths(self, variables: Mapping[str, str]) -> list[int]:
        """Characters of each of `texts()` once rendered, without rendering; a missing variable counts as empty."""
        plain = {name: len(value) for name, value in variables.items()}
        escaped = {name: len(html.escape(value)) for name, value in variables.items()} if self.html else {}
        body, subject, markup, *parameters = self.texts()
        return [
            _filled_length(body, plain),
            _filled_length(subject, plain),
            _filled_length(markup, escaped),
            *(_filled_length(text, plain) for text in parameters),
        ]

    def render(self, variables: Mapping[str, str]) -> Content:
        """The content with its variables filled in: escaped in HTML, on one line in the subject."""
        template = self.template
        if template is not None:
            template = replace(
                template,
                parameters=tuple(_fill(text, variables) for text in template.parameters),
                data=dict(variables),
            )
        escaped = {name: html.escape(value) for name, value in variables.items()}
        return Content(
            _fill(self.body, variables),
            " ".join(_fill(self.subject, variables).split()),
            _fill(self.html, escaped),
            template,
        )


def _fill(text: str, variables: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: variables[match.group(1)], text)


def _filled_length(text: str, lengths: Mapping[str, int]) -> int:
    return len(text) + sum(lengths.get(match.group(1), 0) - len(match.group()) for match in VARIABLE.finditer(text))


def parse_content(value: object, where: str, problems: list[str], *, default: Content | None = None) -> Content | None:
    """Read the fields of a content out of an object that may hold others; `default` fills what it does not name.

    Adds to `problems` and returns None where something is wrong.
    """
    if not isinstance(value, dict):
        problems.append(f"{where or 'content'} must be an object")
        return None
    before = len(problems)
    base = default or Content()
    prefix = f"{where}." if where else ""
    texts = {name: _text(value.get(name), f"{prefix}{name}", problems) for name in ("body", "subject")}
    texts["html"] = _text(value.get("html"), f"{prefix}html", problems, LOOSE_OPENING)
    template = _template(value.get("template"), f"{prefix}template", problems)
    if len(problems) > before:
        return None
    if any(text is not None for text in texts.values()) and template is None:
        base = replace(base, template=None)
    elif template is not None:
        base = Content(template=template)
    given = {name: text for name, text in texts.items() if text is not None}
    return Content(
        given.get("body", base.body), given.get("subject", base.subject), given.get("html", base.html), base.template
    )


def _text(value: object, where: str, problems: list[str], loose: re.Pattern[str] = LOOSE_BRACES) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        problems.append(f"{where} must be text")
    elif not is_text(value):
        problems.append(f"{where} holds half a surrogate pair, which is no character")
    elif len(value) > MAX_TEXT_CHARACTERS:
        problems.append(f"{where} has {len(value)} characters, more than {MAX_TEXT_CHARACTERS}")
    elif loose.search(VARIABLE.sub("", value)):
        problems.append(f"{where} has an unfinished variable: write it as {{{{ name }}}}")
    else:
        return value
    return None


def _template(value: object, where: str, problems: list[str]) -> Template | None:
    """`"name"` or `{"name", "language", "parameters": [texts]}`."""
    if value is None:
        return None
    fields = {"name": value} if isinstance(value, str) else value
    if not isinstance(fields, dict) or fields.keys() - {"name", "language", "parameters"}:
        problems.append(f"{where} must be a name, or an object of name, language and parameters")
        return None
    name, language = fields.get("name"), fields.get("language", DEFAULT_LANGUAGE)
    parameters = fields.get("parameters", [])
    if not (isinstance(name, str) and TEMPLATE_NAME.fullmatch(name)):
        problems.append(f"{where}.name must be 1-512 letters, digits, '_' or '-'")
        return None
    if not (isinstance(language, str) and LANGUAGE.fullmatch(language)):
        problems.append(f"{where}.language must be a code such as {DEFAULT_LANGUAGE}")
        return None
    if not isinstance(parameters, list) or len(parameters) > MAX_PARAMETERS or None in parameters:
        problems.append(f"{where}.parameters must be a list of up to {MAX_PARAMETERS} texts")
        return None
    texts = [_text(text, f"{where}.parameters[{place}]", problems) for place, text in enumerate(parameters)]
    return Template(name, language, tuple(text or "" for text in texts))


def lacks(channel: Channel, content: Content) -> str | None:
    """What a message of a channel needs and this content does not have, as an instruction; None if it is complete."""
    if channel is Channel.SMS:
        return None if content.body.strip() else "no text: give it a body, or the campaign one"
    if channel is Channel.WHATSAPP:
        found = content.template or content.body.strip()
        return None if found else "nothing to say on WhatsApp: give it a template or a body, or the campaign one"
    if content.template or (content.subject.strip() and (content.body.strip() or content.html.strip())):
        return None
    return "no email: give it a subject with a body or html, or a template"


def is_text(text: str) -> bool:
    """Whether a text can be encoded: JSON may carry a lone surrogate, no store takes it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
