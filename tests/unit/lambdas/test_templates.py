"""Templates read and remembered, and requests refused for them, without a cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from lambdas.adapters.templates import KEPT_MS, KeptTemplates, Templates
from lambdas.campaign_api.answers import ApiError
from lambdas.campaign_api.templates import RETRY_AFTER_SECONDS, TemplateService
from lambdas.core.campaign_request import MAX_PROBLEMS, CampaignRequest, Recipient, parse_campaign_request
from lambdas.core.channels import Channel
from lambdas.core.handlebars import parse_mail_text
from lambdas.core.message_order import parse_message_order
from lambdas.core.templates import MAX_TEMPLATES, TemplateNeeds, TemplateRef, TemplatesUnreadableError
from tests.support.known_templates import Provider

MAIL, CHAT = TemplateRef(Channel.EMAIL, "receipt"), TemplateRef(Channel.WHATSAPP, "order_ready", "en_US")
KNOWN = {MAIL: TemplateNeeds(texts=(parse_mail_text("{{ name }}"),)), CHAT: TemplateNeeds(places=1)}
CONTENT = {"email": {"template": "receipt"}, "whatsapp": {"template": {"name": "order_ready", "parameters": ["x"]}}}


def user(number: int, **fields: Any) -> dict[str, Any]:
    return {"customer_id": "c", "selected_channel": "email", "email": f"a{number}@example.com", **fields}


def campaign(*users: dict[str, Any], **fields: Any) -> CampaignRequest:
    to = {} if "audience_id" in fields else {"eligible_users": list(users)}
    return parse_campaign_request({"throughput_tps": 1, "content": CONTENT, **to, **fields})


def message(**fields: Any) -> tuple[Recipient, ...]:
    order = {"customer_id": "c", "channel": "email", "email": "a@example.com", "template": "receipt", **fields}
    return parse_message_order(order).recipient.choices


def refused(call: Callable[..., object], *arguments: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value


def test_a_campaign_asks_once_for_what_its_recipients_name() -> None:
    provider = Provider(KNOWN)
    service = provider.service()
    service.of_campaign(campaign(user(1), user(2)))
    assert provider.asked == [[MAIL]]
    service.of_campaign(campaign(user(1), body="hello", content={"email": {"subject": "s"}}))
    assert provider.asked == [[MAIL]]


def test_a_campaign_is_refused_for_each_template_once_where_it_stands() -> None:
    content = {"email": {"template": "gone"}, "whatsapp": {"template": "order_ready"}}
    phone = {"channels": ["whatsapp", "email"], "phone": "+14254147755"}
    rows = [user(1), user(2, template="mine"), user(3, template="mine"), {**user(4), **phone}]
    del rows[-1]["selected_channel"]
    error = refused(Provider(KNOWN).service().of_campaign, campaign(*rows, content=content))
    assert (error.status, error.body["error"]["code"]) == (400, "invalid_request")
    assert error.body["error"]["problems"] == [
        "content.email.template: the SES template gone does not exist here",
        "eligible_users[1].template: the SES template mine does not exist here",
        "content.whatsapp.template: the WhatsApp template order_ready in en_US takes 1 of"
        " template.parameters, not 0: give one text for each place",
    ]


def test_problems_are_as_few_as_those_of_any_request() -> None:
    rows = [user(number, template=f"t-{number}") for number in range(MAX_PROBLEMS + 5)]
    error = refused(Provider().service().of_campaign, campaign(*rows))
    assert len(error.body["error"]["problems"]) == MAX_PROBLEMS


def test_a_campaign_with_too_many_templates_is_refused() -> None:
    rows = [user(number, template=f"t-{number}") for number in range(MAX_TEMPLATES + 1)]
    error = refused(Provider().service().of_campaign, campaign(*rows))
    assert (error.status, error.body["error"]["code"]) == (400, "invalid_request")
    assert "different templates" in str(error)


@pytest.mark.parametrize(("channels", "asked"), [(tuple(Channel), [[CHAT, MAIL]]), ((Channel.EMAIL,), [[MAIL]])])
def test_an_upload_is_asked_for_by_default_on_channels_that_are_there(
    channels: tuple[Channel, ...], asked: list[list[TemplateRef]]
) -> None:
    provider = Provider(KNOWN)
    provider.service(channels).of_campaign(campaign(audience_id=f"a-{'0' * 20}"))
    assert [sorted(each) for each in provider.asked] == [sorted(each) for each in asked]


def test_a_provider_that_cannot_be_asked_refuses_with_a_retry_hint() -> None:
    provider = Provider(KNOWN)
    provider.away = True
    service = provider.service()
    for error in (refused(service.of_campaign, campaign(user(1))), refused(service.require_of_message, message())):
        assert (error.status, error.body["error"]["code"]) == (503, "templates_unreadable")
        assert error.headers == {"Retry-After": str(RETRY_AFTER_SECONDS)}
        assert str(error) == (
            "the SES template receipt could not be read (ThrottlingException): send the request again in 5 seconds"
        )


def test_messages_go_by_what_was_read_within_minutes() -> None:
    provider, at = Provider(KNOWN), [0]
    service = TemplateService(KeptTemplates(provider.read, lambda: at[0]), tuple(Channel))
    for at[0] in (0, 1, KEPT_MS - 1):
        service.require_of_message(message(variables={"name": "Ada"}))
    assert provider.asked == [[MAIL]]
    at[0] = KEPT_MS
    service.require_of_message(message(variables={"name": "Ada"}))
    assert provider.asked == [[MAIL]] * 2
    provider.away, at[0] = True, 10 * KEPT_MS
    service.require_of_message(message(variables={"name": "Ada"}))
    assert provider.asked == [[MAIL]] * 3


def test_what_seems_wrong_by_what_is_kept_is_read_anew() -> None:
    provider = Provider(KNOWN)
    service = provider.service()
    service.require_of_message(message(variables={"name": "Ada"}))
    error = refused(service.require_of_message, message())
    assert (error.status, error.body["error"]["code"]) == (400, "missing_variable")
    assert str(error) == "the message cannot be sent: name (of the SES template receipt)"
    assert provider.asked == [[MAIL]] * 2
    provider.known[MAIL] = TemplateNeeds()
    service.require_of_message(message())
    assert provider.asked == [[MAIL]] * 3


def test_a_template_that_was_not_there_may_be_there_now() -> None:
    provider = Provider()
    service = provider.service()
    error = refused(service.require_of_message, message())
    assert (error.status, error.body["error"]["code"]) == (400, "invalid_template")
    assert str(error) == "the message cannot be sent: the SES template receipt does not exist here"
    provider.known[MAIL] = TemplateNeeds()
    service.require_of_message(message())


class Chats:
    """The templates of a WhatsApp account, one a page."""

    def __init__(self, *templates: tuple[str, str, str]) -> None:
        self.templates = templates
        self.pages = 0

    def list_whatsapp_message_templates(self, *, id: str, maxResults: int, nextToken: str = "0") -> dict[str, Any]:
        self.pages += 1
        place = int(nextToken)
        name, language, status = self.templates[place]
        summary = {"templateName": name, "templateLanguage": language, "templateStatus": status}
        more = {"nextToken": str(place + 1)} if place + 1 < len(self.templates) else {}
        return {"templates": [{**summary, "metaTemplateId": str(place)}], **more}

    def get_whatsapp_message_template(self, *, id: str, metaTemplateId: str) -> dict[str, Any]:
        return {"template": '{"components": [{"type": "BODY", "text": "Hello {{1}}"}]}'}


def reader(chats: object = None, mails: object = None) -> Templates:
    return Templates(lambda: mails, lambda: chats, "waba-1")


def test_pages_are_read_until_all_that_are_wanted_are_found() -> None:
    chats = Chats(("a", "en_US", "APPROVED"), ("b", "en_US", "APPROVED"), ("c", "en_US", "APPROVED"))
    wanted = [TemplateRef(Channel.WHATSAPP, name, "en_US") for name in ("b", "a")]
    assert reader(chats).read(wanted) == dict.fromkeys(wanted, TemplateNeeds(places=1))
    assert chats.pages == 2


def test_a_template_in_another_language_is_told_from_one_that_is_not_there() -> None:
    chats = Chats(("a", "en_US", "APPROVED"), ("a", "fr", "APPROVED"), ("b", "de", "PAUSED"))
    refs = [TemplateRef(Channel.WHATSAPP, name, "de") for name in ("a", "b", "c")]
    assert [needs.flaw for needs in reader(chats).read(refs).values()] == [
        "does not exist, it is there in en_US, fr: name that as template.language",
        "is PAUSED at Meta: wait until Meta lets it go on, or name another",
        "does not exist in the stack's business account: create it, or correct the name",
    ]


def refusals() -> Iterator[tuple[Exception, str]]:
    for code in ("TooManyRequestsException", "AccessDeniedException", "InternalServiceException"):
        yield ClientError({"Error": {"Code": code}}, "x"), code
    yield ConnectTimeoutError(endpoint_url="https://example.com"), "ConnectTimeoutError"


class Away:
    """A client whose every call is refused."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def refuse(**arguments: Any) -> Any:
            raise self._error

        return refuse


@pytest.mark.parametrize(("error", "code"), list(refusals()))
@pytest.mark.parametrize("ref", [MAIL, CHAT])
def test_any_refusal_but_that_it_is_not_there_leaves_a_template_unread(
    ref: TemplateRef, error: Exception, code: str
) -> None:
    with pytest.raises(TemplatesUnreadableError) as caught:
        reader(Away(error), Away(error)).read([ref])
    assert str(caught.value) == f"{ref} could not be read ({code})"


@pytest.mark.parametrize("code", ["NotFoundException", "BadRequestException"])
def test_a_mail_template_that_is_not_there(code: str) -> None:
    gone = Away(ClientError({"Error": {"Code": code}}, "GetEmailTemplate"))
    assert "does not exist in this account and region" in reader(mails=gone).read([MAIL])[MAIL].flaw
