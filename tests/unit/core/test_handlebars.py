"""What templates of SES need, by Handlebars' rules: for examples of its documentation and for any text."""

from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.handlebars import MAX_DEPTH, parse_mail_text
from lambdas.core.template_flaw import TemplateFlawError

NAMES = st.text(string.ascii_letters + "_-é", min_size=1, max_size=8).filter(
    lambda name: name not in ("else", "this", "if", "unless")
)


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("", []),
        ("plain { text } without {any}", []),
        ("Hello {{name}}, {{ code }}", ["code", "name"]),
        ("{{{name}}}{{&code}}{{~ third ~}}", ["code", "name", "third"]),
        ("{{this.name}}{{./code}}", ["code", "name"]),
        (r"\{{name}} and \\{{code}}", ["code"]),
        ("{{! {{ }}{{!-- {{#if a}} {{name}} --}}{{ code }}", ["code"]),
        ("{{#if vip}}{{gift}}{{else}}{{hint}}{{/if}}", []),
        ('{{#* inline "all"}}{{first}} {{last}}{{/inline}}Dear {{> all}}', ["first", "last"]),
        ('{{#* inline "never"}}{{first}}{{/inline}}', []),
        ('{{#* inline "again"}}{{x}}{{> again}}{{/inline}}{{> again}}', ["x"]),
    ],
)
def test_what_every_mail_shows(text: str, always: list[str]) -> None:
    assert sorted(parse_mail_text(text).always()) == always


@pytest.mark.parametrize(
    ("text", "variables", "missing"),
    [
        ("{{name}}", {"name": ""}, []),
        ("{{name}}", {"Name": "Ada"}, ["name"]),
        ("{{#if name}}Dear {{name}}{{else}}Dear {{title}}{{/if}}", {"name": "Ada"}, []),
        ("{{#if name}}Dear {{name}}{{else}}Dear {{title}}{{/if}}", {}, ["title"]),
        ("{{#if name}}Dear {{name}}{{else}}Dear {{title}}{{/if}}", {"name": ""}, ["title"]),
        ("{{#unless name}}{{title}}{{^}}{{code}}{{/unless}}", {"name": "Ada"}, ["code"]),
        ("{{#if a}}{{x}}{{else if b}}{{y}}{{else}}{{z}}{{/if}}{{w}}", {"b": "1", "w": ""}, ["y"]),
        ("{{#if a}}{{x}}{{else if b}}{{y}}{{else}}{{z}}{{/if}}", {}, ["z"]),
        ("{{#if a}}{{#if b}}{{x}}{{/if}}{{y}}{{/if}}", {"a": "1"}, ["y"]),
        ('{{#* inline "p"}}{{x}}{{/inline}}{{#if a}}{{> p}}{{/if}}', {"a": "1"}, ["x"]),
        ("{{\n#if\n a\n}}{{x}}{{/if}}", {"a": "1"}, ["x"]),
    ],
)
def test_what_one_mail_lacks(text: str, variables: dict[str, str], missing: list[str]) -> None:
    assert sorted(parse_mail_text(text).missing(variables)) == missing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{#each items}}{{this}}{{/each}}", "uses {{#each items}}, and variables are plain texts"),
        ("{{#with person}}{{name}}{{/with}}", "uses {{#with person}}, and variables are plain texts"),
        ("{{contact.name}}", "uses {{contact.name}}, and variables are plain texts"),
        ("{{this}}", "use one name of a variable"),
        ("{{../name}}", "use one name of a variable"),
        ("{{upper name}}", "uses {{upper name}}"),
        ("{{#if (eq a b)}}x{{/if}}", "uses {{(eq a b)}}"),
        ("{{}}", "uses {{}}"),
        ("{{#vip}}x{{/vip}}", "uses the block {{#vip}}, which is not supported here"),
        ("{{#}}", "uses the block {{#}}"),
        ("{{> layout title}}", "call a partial by its name alone"),
        ("{{> layout}}", "calls the partial 'layout', which it does not define"),
        ("{{{{raw}}}}", "has a {{ that is not closed"),
        ("Dear {{name", "has a {{ that is not closed"),
        ("{{#if name}}Dear", "does not close {{#if}}"),
        ("{{/if}}", "has {{/if}} without its beginning"),
        ("{{#if a}}{{/unless}}", "has {{/unless}} without its beginning"),
        ("{{else}}", "has {{else}} outside of an #if"),
        ("{{#if a}}{{else}}{{else}}{{/if}}", "has {{else}} outside of an #if"),
        ("{{#if a}}{{else with b}}{{/if}}", "uses {{else with b}}, which is not supported here"),
        ("{{#if a}}" * (MAX_DEPTH + 1), f"has more than {MAX_DEPTH} blocks within each other"),
    ],
)
def test_what_no_message_can_fill(text: str, words: str) -> None:
    with pytest.raises(TemplateFlawError) as caught:
        parse_mail_text(text)
    assert words in str(caught.value)


def test_a_chain_of_any_length_needs_no_depth_of_python() -> None:
    text = '{{#* inline "0"}}{{x}}{{/inline}}' + "".join(
        f'{{{{#* inline "{n}"}}}}{{{{> {n - 1}}}}}{{{{> {n - 1}}}}}{{{{/inline}}}}' for n in range(1, 2_000)
    )
    assert parse_mail_text(text + "{{> 1999}}").always() == {"x"}


@given(st.text(st.sampled_from('{}#/^>!~\\ "*.aeilnsf-\n'), max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    with suppress(TemplateFlawError):
        read = parse_mail_text(text)
        assert read.always() <= read.missing({})


@given(st.data())
def test_a_template_of_placeholders_and_choices_needs_what_it_shows(data: st.DataObject) -> None:
    """Against a rendering that writes down each name it shows."""
    variables = data.draw(st.dictionaries(NAMES, st.sampled_from(["", "x"]), max_size=4))
    names = st.sampled_from([*variables, "absent", "other"])

    def part(depth: int) -> tuple[str, set[str]]:
        text, shown = "", set[str]()
        for _ in range(data.draw(st.integers(0, 3))):
            name = data.draw(names)
            if depth == 0 or data.draw(st.booleans()):
                text, shown = f"{text} {{{{{name}}}}}", {*shown, name}
                continue
            kind = data.draw(st.sampled_from(["if", "unless"]))
            (first, first_shown), (second, second_shown) = part(depth - 1), part(depth - 1)
            text += f"{{{{#{kind} {name}}}}}{first}{{{{else}}}}{second}{{{{/{kind}}}}}"
            shown |= first_shown if bool(variables.get(name)) == (kind == "if") else second_shown
        return text, shown

    text, shown = part(3)
    assert parse_mail_text(text).missing(variables) == shown - variables.keys()
