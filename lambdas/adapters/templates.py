"""Templates as SES and AWS End User Messaging Social keep them, read into what they ask of a message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.core.channels import Channel
from lambdas.core.handlebars import parse_mail_text
from lambdas.core.template_flaw import TemplateFlawError
from lambdas.core.templates import TemplateNeeds, TemplateRef, TemplatesUnreadableError
from lambdas.core.whatsapp_template import body_places, require_approved

PAGE = 100
"""Templates of one answer of ListWhatsAppMessageTemplates, which is as many as it gives (API reference)."""
KEPT_MS = 300_000
"""How long single messages go by what was read."""
MAX_KEPT = 1_000
ATTEMPTS, READ_TIMEOUT_S = 3, 3
"""Of one call: whoever asks for a campaign waits for it, and may ask again."""
_ABSENT = frozenset({"BadRequestException", "NotFoundException"})
"""How SES answers for a template that it does not have, or cannot have under that name (API reference)."""
_SHOWN = 10


class Templates:
    """Reads templates; `ses` and `chats` make the clients, which only a message with a template needs.

    WhatsApp's are those of the business account `account_id`, empty where the stack has no WhatsApp.
    """

    def __init__(self, ses: Callable[[], Any], chats: Callable[[], Any], account_id: str) -> None:
        self._ses = ses
        self._chats = chats
        self._account_id = account_id

    @classmethod
    def of_account(cls, client: Callable[..., Any], business_account_id: str) -> Templates:
        """Those of this account and region, and of the WhatsApp business account that the stack sends for."""
        patience = {"attempts": ATTEMPTS, "read_timeout_s": READ_TIMEOUT_S}
        return cls(
            partial(client, "sesv2", **patience), partial(client, "socialmessaging", **patience), business_account_id
        )

    def read(self, refs: Collection[TemplateRef]) -> dict[TemplateRef, TemplateNeeds]:
        """What each of these asks for, one that nobody can use included.

        Raises `TemplatesUnreadableError` if a provider cannot be asked.
        """
        chats = [ref for ref in refs if ref.channel is Channel.WHATSAPP]
        listed = self._listed(chats) if chats else {}
        return {
            ref: self._chat(ref, listed) if ref.channel is Channel.WHATSAPP else self._mail(ref) for ref in sorted(refs)
        }

    def _mail(self, ref: TemplateRef) -> TemplateNeeds:
        try:
            content = self._ses().get_email_template(TemplateName=ref.name)["TemplateContent"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return TemplateNeeds("does not exist in this account and region: create it, or correct the name")
            raise _unreadable(ref, error) from error
        except BotoCoreError as error:
            raise _unreadable(ref, error) from error
        try:
            parts = (content.get(part) or "" for part in ("Subject", "Text", "Html"))
            return TemplateNeeds(texts=tuple(parse_mail_text(part) for part in parts))
        except TemplateFlawError as flaw:
            return TemplateNeeds(str(flaw))

    def _listed(self, refs: Collection[TemplateRef]) -> dict[TemplateRef, Mapping[str, str]]:
        """Templates of the account with their ids and statuses, until all that are wanted are among them."""
        found: dict[TemplateRef, Mapping[str, str]] = {}
        try:
            for each in self._summaries():
                ref = TemplateRef(Channel.WHATSAPP, each.get("templateName", ""), each.get("templateLanguage", ""))
                found[ref] = each
                if found.keys() >= set(refs):
                    break
        except (BotoCoreError, ClientError) as error:
            raise _unreadable(min(refs), error) from error
        return found

    def _summaries(self) -> Iterator[Mapping[str, str]]:
        request = {"id": self._account_id, "maxResults": PAGE}
        while True:
            answer = self._chats().list_whatsapp_message_templates(**request)
            yield from answer.get("templates") or ()
            if not answer.get("nextToken"):
                return
            request["nextToken"] = answer["nextToken"]

    def _chat(self, ref: TemplateRef, listed: Mapping[TemplateRef, Mapping[str, str]]) -> TemplateNeeds:
        if (summary := listed.get(ref)) is None:
            others = sorted(each.language for each in listed if each.name == ref.name)
            if others:
                there = ", ".join(others[:_SHOWN])
                return TemplateNeeds(f"does not exist, it is there in {there}: name that as template.language")
            return TemplateNeeds("does not exist in the stack's business account: create it, or correct the name")
        try:
            require_approved(str(summary.get("templateStatus", "")))
            return TemplateNeeds(places=body_places(self._definition(ref, summary)))
        except TemplateFlawError as flaw:
            return TemplateNeeds(str(flaw))

    def _definition(self, ref: TemplateRef, summary: Mapping[str, str]) -> str:
        try:
            answer = self._chats().get_whatsapp_message_template(
                id=self._account_id, metaTemplateId=str(summary.get("metaTemplateId"))
            )
        except (BotoCoreError, ClientError) as error:
            raise _unreadable(ref, error) from error
        return str(answer.get("template", ""))


class KeptTemplates:
    """Templates as a function has last read them, so that most single messages cost no call.

    Only such as can be used are kept, for five minutes; when a provider cannot be asked then, what was kept holds on.
    """

    def __init__(
        self,
        read: Callable[[Collection[TemplateRef]], Mapping[TemplateRef, TemplateNeeds]],
        now_ms: Callable[[], int],
    ) -> None:
        self._read = read
        self._now_ms = now_ms
        self._kept: dict[TemplateRef, tuple[int, TemplateNeeds]] = {}

    def read(self, refs: Collection[TemplateRef]) -> dict[TemplateRef, TemplateNeeds]:
        """What each of these asks for; raises `TemplatesUnreadableError` if nobody knows."""
        now_ms = self._now_ms()
        old = [ref for ref in refs if ref not in self._kept or self._kept[ref][0] + KEPT_MS <= now_ms]
        try:
            found = self.read_anew(old) if old else {}
        except TemplatesUnreadableError:
            if any(ref not in self._kept for ref in old):
                raise
            found = {}
        return {ref: found[ref] if ref in found else self._kept[ref][1] for ref in refs}

    def read_anew(self, refs: Collection[TemplateRef]) -> dict[TemplateRef, TemplateNeeds]:
        """The same from the provider itself."""
        found = dict(self._read(refs))
        for ref, needs in found.items():
            self._kept.pop(ref, None)
            if not needs.flaw:
                self._kept[ref] = (self._now_ms(), needs)
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return found


def _unreadable(ref: TemplateRef, error: Exception) -> TemplatesUnreadableError:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    return TemplatesUnreadableError(f"{ref} could not be read ({code})")
