"""Templates at providers as tests know them, without a provider."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lambdas.adapters.templates import KeptTemplates
from lambdas.campaign_api.templates import TemplateService
from lambdas.core.channels import Channel
from lambdas.core.templates import TemplateNeeds, TemplateRef, TemplatesUnreadableError

ABSENT = TemplateNeeds("does not exist here")


class Provider:
    """Answers what it knows, counts how often it is asked, and can be away."""

    def __init__(self, known: Mapping[TemplateRef, TemplateNeeds] | None = None) -> None:
        self.known = dict(known or {})
        self.asked: list[list[TemplateRef]] = []
        self.away = False

    def read(self, refs: Collection[TemplateRef]) -> dict[TemplateRef, TemplateNeeds]:
        """What each of these asks for."""
        self.asked.append(sorted(refs))
        if self.away:
            raise TemplatesUnreadableError(f"{min(refs)} could not be read (ThrottlingException)")
        return {ref: self.known.get(ref, ABSENT) for ref in refs}

    def service(self, channels: Collection[Channel] = tuple(Channel)) -> TemplateService:
        """The check of requests over it, at a time that stands still."""
        return TemplateService(KeptTemplates(self.read, lambda: 0), channels)
