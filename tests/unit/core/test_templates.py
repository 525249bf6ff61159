"""Which templates messages name, and what a message lacks of one."""

from __future__ import annotations

import pytest

from lambdas.core.audience_lines import AudienceError
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import Content, Template
from lambdas.core.handlebars import parse_mail_text
from lambdas.core.plan import new_planning
from lambdas.core.plan_row import ExcludedRow, Exclusion, Row, RowRules
from lambdas.core.templates import MAX_TEMPLATES, TemplateBook, TemplateNeeds, TemplateRef, template_of
from tests.support.known_templates import Provider

MAIL, CHAT = TemplateRef(Channel.EMAIL, "receipt"), TemplateRef(Channel.WHATSAPP, "order_ready", "en_US")
RECEIPT = Content(template=Template("receipt"))
READY = Content("or a text", template=Template("order_ready", parameters=("{{ name }}",)))
KNOWN = {
    MAIL: TemplateNeeds(texts=(parse_mail_text("For {{ name }}"), parse_mail_text("{{#if vip}}{{ gift }}{{/if}}"))),
    CHAT: TemplateNeeds(places=1),
}


def mail(row: int, content: Content = RECEIPT, **variables: str) -> Recipient:
    return Recipient(row, f"c-{row}", Channel.EMAIL, f"a{row}@example.com", content, variables)


def chat(row: int, content: Content = READY, **variables: str) -> Recipient:
    return Recipient(row, f"c-{row}", Channel.WHATSAPP, f"+1425414775{row}", content, variables)


def planned(provider: Provider, *rows: Row, channels: tuple[Channel, ...] = tuple(Channel)) -> list[ExcludedRow | str]:
    """The outcome of each row: left out, or the channels that its message has."""
    rules = RowRules(channels, templates=TemplateBook(provider.read))
    planning = new_planning(rules, lambda channel, addresses: ())
    return [
        outcome
        if isinstance(outcome, ExcludedRow)
        else " ".join([outcome.row.channel, *(each.channel for each in outcome.row.fallback)])
        for outcome in planning.plan(rows)
    ]


def test_only_channels_with_templates_of_their_own_name_one() -> None:
    assert template_of(Channel.SMS, READY) is None
    assert template_of(Channel.EMAIL, Content("hello")) is None
    assert template_of(Channel.EMAIL, Content(template=Template("receipt", "de"))) == MAIL
    assert template_of(Channel.WHATSAPP, READY) == CHAT


def test_a_row_lacks_what_its_own_mail_would_show() -> None:
    outcomes = planned(Provider(KNOWN), mail(0, name="Ada"), mail(1), mail(2, name="Bob", vip="1"), mail(3, name=""))
    of = "(of the SES template receipt)"
    assert outcomes == [
        "email",
        ExcludedRow(1, Exclusion.MISSING_VARIABLE, f"name {of}", "c-1"),
        ExcludedRow(2, Exclusion.MISSING_VARIABLE, f"gift {of}", "c-2"),
        "email",
    ]


def test_a_row_whose_template_cannot_be_used_is_left_out_with_the_reason() -> None:
    other = Content(template=Template("order_ready", "de"))
    two = Content(template=Template("order_ready", parameters=("a", "b")))
    name = "the WhatsApp template order_ready"
    assert planned(Provider(KNOWN), chat(0, name="Ada"), chat(1, other), chat(2, two), chat(3)) == [
        "whatsapp",
        ExcludedRow(1, Exclusion.INVALID_TEMPLATE, f"{name} in de does not exist here", "c-1"),
        ExcludedRow(
            2,
            Exclusion.INVALID_TEMPLATE,
            f"{name} in en_US takes 1 of template.parameters, not 2: give one text for each place",
            "c-2",
        ),
        ExcludedRow(3, Exclusion.MISSING_VARIABLE, "name", "c-3"),
    ]


def test_a_leg_that_cannot_be_made_is_no_leg() -> None:
    unknown = Content(template=Template("unknown"))
    first, second = mail(0, name="Ada"), chat(0, name="Ada")
    both = Recipient(0, "c-0", Channel.EMAIL, first.address, RECEIPT, {"name": "Ada"}, None, (second,))
    broken = Recipient(1, "c-1", Channel.EMAIL, "b@example.com", unknown, {"name": "Ada"}, None, (chat(1, name="Bob"),))
    last = Recipient(2, "c-2", Channel.WHATSAPP, "+14254147752", READY, {"name": "Ada"}, None, (mail(2, unknown),))
    assert planned(Provider(KNOWN), both, broken, last) == ["email whatsapp", "whatsapp", "whatsapp"]


def test_each_template_is_read_once_and_none_of_channels_that_are_not_there() -> None:
    provider = Provider(KNOWN)
    rows = [mail(0, name="Ada"), mail(1, name="Bob"), chat(2, name="Cem")]
    planned(provider, *rows, channels=(Channel.EMAIL,))
    assert provider.asked == [[MAIL]]
    planned(provider, Recipient(0, "c", Channel.SMS, "+14254147755", Content("hello")))
    assert provider.asked == [[MAIL]]


def test_more_templates_than_can_be_asked_for_are_refused() -> None:
    book = TemplateBook(Provider().read)
    contents = [Content(template=Template(f"t-{number}")) for number in range(MAX_TEMPLATES + 1)]
    book.learn((Channel.EMAIL, content) for content in contents[:-1])
    book.learn((Channel.EMAIL, content) for content in contents[:-1])
    with pytest.raises(AudienceError, match=f"more than {MAX_TEMPLATES} different templates: split the audience"):
        book.learn([(Channel.EMAIL, contents[-1])])
