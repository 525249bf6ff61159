"""Templates that requests name, looked at before anything is accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from lambdas.adapters.templates import KeptTemplates
from lambdas.campaign_api.answers import ApiError
from lambdas.core.audience_lines import AudienceError
from lambdas.core.campaign_request import MAX_PROBLEMS, CampaignRequest, Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import Content
from lambdas.core.plan_row import ExcludedRow, check_template
from lambdas.core.templates import ReadTemplates, TemplateBook, TemplatesUnreadableError

RETRY_AFTER_SECONDS = 5
"""When a provider that could not be asked may be asked again."""


class TemplateService:
    """Refuses requests whose templates no message can be made of; `channels` are those that the stack has.

    What a provider cannot be asked about is refused, too, with a 503.
    """

    def __init__(self, templates: KeptTemplates, channels: Collection[Channel]) -> None:
        self._templates = templates
        self._channels = channels

    def of_campaign(self, request: CampaignRequest) -> TemplateBook:
        """What the templates of a campaign ask for, read anew: its recipients' own, of an upload those by default.

        Raises `ApiError` 400 with each that cannot be used; what single rows lack is a matter of their plan.
        """
        named = [each for each in _named(request) if each[1] in self._channels]
        book = _learnt(self._templates.read_anew, ((channel, content) for _, channel, content in named))
        problems: dict[str, str] = {}
        for place, channel, content in named:
            if flaw := book.flaw(channel, content):
                problems.setdefault(flaw, f"{place}.template: {flaw}")
        if problems:
            found = list(problems.values())[:MAX_PROBLEMS]
            raise ApiError(400, "invalid_request", "; ".join(found), problems=found)
        return book

    def require_of_message(self, choices: Collection[Recipient]) -> None:
        """Refuse a message whose template cannot be used, or asks for variables that it does not give.

        It goes by what the function has read within some minutes; what seems wrong by that is read anew.
        """
        if _refusal(self._templates.read, choices) is None:
            return
        if (refusal := _refusal(self._templates.read_anew, choices)) is not None:
            raise ApiError(400, refusal.reason.value, f"the message cannot be sent: {refusal.detail}")


def _refusal(read: ReadTemplates, choices: Collection[Recipient]) -> ExcludedRow | None:
    book = _learnt(read, ((choice.channel, choice.content) for choice in choices))
    return next((found for choice in choices if (found := check_template(choice, book)) is not None), None)


def _named(request: CampaignRequest) -> Iterator[tuple[str, Channel, Content]]:
    """Contents and where the request has them; an upload's rows are not known yet, its defaults are."""
    if request.audience_id is not None:
        for channel, content in request.defaults.items():
            yield f"content.{channel}", channel, content
    for recipient in request.recipients:
        for choice in recipient.choices:
            default = request.defaults.get(choice.channel)
            own = default is None or default.template != choice.content.template
            place = f"eligible_users[{recipient.row}]" if own else f"content.{choice.channel}"
            yield place, choice.channel, choice.content


def _learnt(read: ReadTemplates, messages: Iterable[tuple[Channel, Content]]) -> TemplateBook:
    book = TemplateBook(read)
    try:
        book.learn(messages)
    except AudienceError as error:
        raise ApiError(400, "invalid_request", str(error), problems=[str(error)]) from error
    except TemplatesUnreadableError as error:
        message = f"{error}: send the request again in {RETRY_AFTER_SECONDS} seconds"
        raise ApiError(503, "templates_unreadable", message, retry_after_s=RETRY_AFTER_SECONDS) from error
    return book
