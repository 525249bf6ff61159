"""Templates that providers keep: which ones messages name, what each asks of them, and whether a message gives it.

What a provider answers is read once for many messages (`TemplateBook`); what follows from it for one message is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lambdas.core.audience_lines import AudienceError
from lambdas.core.channels import Channel
from lambdas.core.content import Content

if TYPE_CHECKING:
    from lambdas.core.handlebars import MailText

MAX_TEMPLATES = 50
"""Different templates of one campaign: each is a call, and SES answers fifty a second (API reference,
GetEmailTemplate)."""
_KEEPERS = {Channel.WHATSAPP: "WhatsApp", Channel.EMAIL: "SES"}


class TemplateRef(NamedTuple):
    """A template as a provider finds it; SES knows no `language`, it is empty there."""

    channel: Channel
    name: str
    language: str = ""

    def __str__(self) -> str:
        """As errors name it."""
        language = f" in {self.language}" if self.language else ""
        return f"the {_KEEPERS[self.channel]} template {self.name}{language}"


class TemplateNeeds(NamedTuple):
    """What a template asks of a message: `places` texts for the body (WhatsApp), the variables of `texts` (SES).

    `flaw` says why no message can be made of it, in words that follow its name; empty where one can.
    """

    flaw: str = ""
    places: int = 0
    texts: tuple[MailText, ...] = ()

    def missing(self, variables: Mapping[str, str]) -> list[str]:
        """Names that a message with these variables would show and does not give."""
        return sorted({name for text in self.texts for name in text.missing(variables)})

    def always(self) -> frozenset[str]:
        """Names that every message of it shows."""
        return frozenset(name for text in self.texts for name in text.always())


ReadTemplates = Callable[[Collection[TemplateRef]], Mapping[TemplateRef, TemplateNeeds]]
"""Answers what each of some templates asks for; raises `TemplatesUnreadableError`."""


class TemplatesUnreadableError(RuntimeError):
    """A provider that could not be asked about a template; the message is one sentence."""


def template_of(channel: Channel, content: Content) -> TemplateRef | None:
    """The template at a provider that a message on this channel is made of, if it is made of one."""
    template = content.template
    if template is None or channel not in _KEEPERS:
        return None
    return TemplateRef(channel, template.name, template.language if channel is Channel.WHATSAPP else "")


class TemplateBook:
    """What is known of templates, each read once."""

    def __init__(self, read: ReadTemplates) -> None:
        self._read = read
        self._known: dict[TemplateRef, TemplateNeeds] = {}

    def learn(self, messages: Iterable[tuple[Channel, Content]]) -> None:
        """Read the templates of these messages that are not known yet.

        Raises `AudienceError` for too many different ones, `TemplatesUnreadableError` if one cannot be read.
        """
        named = {template_of(channel, content) for channel, content in messages} - {None}
        new = {ref for ref in named if ref is not None and ref not in self._known}
        if len(self._known) + len(new) > MAX_TEMPLATES:
            raise AudienceError(f"the messages name more than {MAX_TEMPLATES} different templates: split the audience")
        if new:
            self._known.update(self._read(new))

    def flaw(self, channel: Channel, content: Content) -> str:
        """Why a message on this channel cannot be made of its template, in one sentence; empty if it can."""
        ref = template_of(channel, content)
        if ref is None or content.template is None:
            return ""
        needs = self._known[ref]
        if needs.flaw:
            return f"{ref} {needs.flaw}"
        given = len(content.template.parameters)
        if channel is Channel.WHATSAPP and given != needs.places:
            return f"{ref} takes {needs.places} of template.parameters, not {given}: give one text for each place"
        return ""

    def missing(self, channel: Channel, content: Content, variables: Mapping[str, str]) -> list[str]:
        """Names of the variables that the message's template needs and `variables` lacks."""
        ref = template_of(channel, content)
        return [] if ref is None else self._known[ref].missing(variables)

    def always(self, channel: Channel, content: Content) -> frozenset[str]:
        """Names of the variables without which no message of this content can be made."""
        ref = template_of(channel, content)
        return frozenset() if ref is None else self._known[ref].always()
