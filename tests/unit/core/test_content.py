"""What a message says: every problem named, nothing but problems from garbage, and variables that stay text."""

from __future__ import annotations

import json
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel
from lambdas.core.content import (
    DEFAULT_LANGUAGE,
    FIELDS,
    MAX_PARAMETERS,
    MAX_TEXT_CHARACTERS,
    Content,
    Template,
    is_text,
    lacks,
    parse_content,
)
from lambdas.core.planned_row import PlannedRow

TEMPLATE = Template("order_ready", "de", ("{{ name }}", "42"))
EVERYTHING = Content("hi {{ name }}", "for {{ name }}", "<b>{{name}}</b>", TEMPLATE)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


def parsed(value: object, default: Content | None = None) -> Content:
    """The content of something that has no problem."""
    problems: list[str] = []
    content = parse_content(value, "content.email", problems, default=default)
    assert problems == []
    assert content is not None
    return content


def problems_of(value: object, where: str = "content.email") -> list[str]:
    """What is wrong with something that is no content."""
    problems: list[str] = []
    assert parse_content(value, where, problems) is None
    return problems


def test_all_problems_are_named_with_their_path() -> None:
    template = {"name": "order_ready", "language": "en_US", "parameters": ["{{ name", 7]}
    assert problems_of({"body": 5, "subject": "{{ x", "html": "\ud800", "template": template}) == [
        "content.email.body must be text",
        "content.email.subject has an unfinished variable: write it as {{ name }}",
        "content.email.html holds half a surrogate pair, which is no character",
        "content.email.template.parameters[0] has an unfinished variable: write it as {{ name }}",
        "content.email.template.parameters[1] must be text",
    ]
    assert problems_of({"body": 5}, "") == ["body must be text"]
    assert problems_of([], "") == ["content must be an object"]


@pytest.mark.parametrize(
    ("template", "field"),
    [
        (5, "template must be"),
        ([], "template must be"),
        ({"name": "a", "lang": "en"}, "template must be"),
        ("", "template.name"),
        ({}, "template.name"),
        ({"name": "no spaces"}, "template.name"),
        ({"name": "x" * 513}, "template.name"),
        ({"name": "a", "language": "english"}, "template.language"),
        ({"name": "a", "language": None}, "template.language"),
        ({"name": "a", "parameters": "x"}, "template.parameters"),
        ({"name": "a", "parameters": None}, "template.parameters"),
        ({"name": "a", "parameters": [None]}, "template.parameters must be"),
        ({"name": "a", "parameters": ["x"] * (MAX_PARAMETERS + 1)}, "template.parameters"),
    ],
)
def test_a_template_that_is_none(template: object, field: str) -> None:
    (problem,) = problems_of({"template": template})
    assert problem.startswith(f"content.email.{field}")


@pytest.mark.parametrize("language", ["en", "en_US", "zh_CN", "fil", "pt-BR"])
def test_templates_in_their_two_forms(language: str) -> None:
    assert parsed({"template": "order_ready"}).template == Template("order_ready", DEFAULT_LANGUAGE)
    template = {"name": "order_ready", "language": language, "parameters": ["a", "{{ b }}"]}
    assert parsed({"template": template}).template == Template("order_ready", language, ("a", "{{ b }}"))


def test_a_text_is_bounded() -> None:
    assert parsed({"html": "x" * MAX_TEXT_CHARACTERS}).html
    for name in ("body", "subject", "html"):
        (problem,) = problems_of({name: "x" * (MAX_TEXT_CHARACTERS + 1)})
        assert problem.startswith(f"content.email.{name} has 100001 characters")


def test_style_rules_that_end_in_two_braces_are_no_variable() -> None:
    page = "<style>@media print{b{color:#000}}</style><b>{{ name }}</b>"
    assert parsed({"html": page}).render({"name": "x"}).html == page.replace("{{ name }}", "x")
    (problem,) = problems_of({"html": "{{ name"})
    assert "unfinished variable" in problem


def test_what_is_named_replaces_the_default_and_the_rest_stays() -> None:
    default = Content("hi", "subject", "<b>hi</b>")
    assert parsed({}, default) == default
    assert parsed({"body": None, "template": None}, default) == default
    assert parsed({"subject": "another"}, default) == Content("hi", "another", "<b>hi</b>")
    assert parsed({"html": ""}, default) == Content("hi", "subject", "")


def test_texts_replace_a_default_template_and_a_template_replaces_default_texts() -> None:
    assert parsed({"body": "hi"}, Content(template=TEMPLATE)) == Content("hi")
    assert parsed({"template": "a"}, Content("hi", "subject", "<b>hi</b>")) == Content(template=Template("a"))
    assert parsed({"template": "a"}, Content(template=TEMPLATE)) == Content(template=Template("a"))
    assert parsed({"template": "a", "body": "hi"}, Content("x", "y")) == Content("hi", template=Template("a"))


def test_missing_variables_of_all_texts() -> None:
    content = Content("{{ a }} {{b}}", "{{ c }}", "{{a}}", Template("t", parameters=("{{ d }}", "{{ d }}")))
    assert content.missing({}) == ["a", "b", "c", "d"]
    assert content.missing({"a": "", "b": "x", "e": "y"}) == ["c", "d"]
    assert Content("no variables").missing({}) == []


def test_variables_are_text_wherever_they_end_up() -> None:
    hostile = "<script>alert(\"x\")</script> & 'y'\r\nBcc: someone@example.com"
    rendered = EVERYTHING.render({"name": hostile})
    assert rendered.body == f"hi {hostile}"
    assert rendered.subject == "for <script>alert(\"x\")</script> & 'y' Bcc: someone@example.com"
    assert rendered.template is not None
    assert rendered.template.parameters == (hostile, "42")
    assert rendered.template.data == {"name": hostile}
    assert "<script" not in rendered.html
    assert rendered.html.startswith("<b>&lt;script&gt;")


def test_what_a_variable_holds_is_not_rendered_again() -> None:
    rendered = Content("{{ a }}{{ b }}", html="{{ a }}").render({"a": "{{ b }}", "b": "\\1 {{ a }}"})
    assert rendered.body == "{{ b }}\\1 {{ a }}"
    assert rendered.html == "{{ b }}"


class Tags(HTMLParser):
    """The tags of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@given(st.text(max_size=60))
def test_no_variable_breaks_out_of_html_or_of_a_header(value: str) -> None:
    rendered = Content("", "for {{ x }}!", '<a title="{{ x }}"><b>{{ x }}</b></a>').render({"x": value})
    tags = Tags()
    tags.feed(rendered.html)
    tags.close()
    assert tags.tags == ["a", "b"]
    assert len(rendered.subject.splitlines()) == 1
    assert rendered.subject.startswith("for ")
    assert "".join(rendered.subject.split()) == "".join(f"for {value}!".split())


@given(json_values)
def test_garbage_adds_problems_and_raises_nothing(value: object) -> None:
    problems: list[str] = []
    content = parse_content(value, "", problems)
    assert (content is None) is bool(problems)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values | st.text("{} ab", max_size=12)))
def test_fields_of_anything_are_a_content_or_problems(value: dict[str, Any]) -> None:
    problems: list[str] = []
    content = parse_content(value, "here", problems, default=EVERYTHING)
    assert all(problem.startswith("here.") for problem in problems)
    if content is None:
        assert problems
        return
    names = content.missing({})
    rendered = content.render(dict.fromkeys(names, "x"))
    assert rendered.missing({}) == []


texts = st.text(max_size=40).filter(is_text)
contents = st.builds(
    Content,
    body=texts,
    subject=texts,
    html=texts,
    template=st.none()
    | st.builds(
        Template,
        name=st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
        language=st.sampled_from(["de", "en_US"]),
        parameters=st.lists(texts, max_size=3).map(tuple),
        data=st.dictionaries(texts, texts, max_size=3),
    ),
)


@given(contents, st.sampled_from(Channel))
def test_a_content_survives_its_part_file(content: Content, channel: Channel) -> None:
    row = PlannedRow(7, "c-7", channel, "x", "", content, 1, Decimal("0.00016"))
    assert PlannedRow.from_json(json.loads(json.dumps(row.to_json(), ensure_ascii=False)), row.row) == row


@pytest.mark.parametrize(
    ("channel", "content", "complete"),
    [
        (Channel.SMS, Content("hi"), True),
        (Channel.SMS, Content(" \n"), False),
        (Channel.SMS, Content("", "subject", "<b>hi</b>", TEMPLATE), False),
        (Channel.WHATSAPP, Content("hi"), True),
        (Channel.WHATSAPP, Content(template=TEMPLATE), True),
        (Channel.WHATSAPP, Content("", "subject", "<b>hi</b>"), False),
        (Channel.EMAIL, Content("hi", "subject"), True),
        (Channel.EMAIL, Content("", "subject", "<b>hi</b>"), True),
        (Channel.EMAIL, Content(template=TEMPLATE), True),
        (Channel.EMAIL, Content("hi"), False),
        (Channel.EMAIL, Content("", "subject"), False),
        (Channel.EMAIL, Content("hi", " "), False),
    ],
)
def test_what_each_channel_needs(channel: Channel, content: Content, complete: bool) -> None:
    lacking = lacks(channel, content)
    assert (lacking is None) is complete
    if lacking is not None:
        assert "give it" in lacking


VALUES = st.dictionaries(st.sampled_from("abc"), st.text("<&>'\" xé\U0001f600", max_size=9), min_size=3)
TEXTS = st.lists(st.sampled_from(["{{a}}", "{{ b }}", "{{c}}", "x", "}}", "\n", "<b>"]), max_size=9).map("".join)


@given(
    st.builds(
        Content,
        TEXTS,
        st.just(""),
        TEXTS,
        st.none() | st.builds(Template, st.just("t"), parameters=st.lists(TEXTS, max_size=3).map(tuple)),
    ),
    VALUES,
)
def test_lengths_are_those_of_what_is_rendered(content: Content, values: dict[str, str]) -> None:
    assert content.rendered_lengths(values) == [len(text) for text in content.render(values).texts()]
