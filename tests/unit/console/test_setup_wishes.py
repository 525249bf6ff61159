"""The file of a setup: read as a whole, and each mistake is one sentence before anything is asked or changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.domain import ConsoleError
from console.setup.outcome import Outcome, Word
from console.setup.steps import Finding, Step, by_hand, carry_out, there, would
from console.setup.wishes import Wishes, parse_code, parse_number, read_wishes

TEMPLATE = {"name": "t", "language": "en_US", "category": "UTILITY", "components": [{"type": "BODY", "text": "x"}]}


def written(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    written(folder / "b.json", [TEMPLATE, {**TEMPLATE, "language": "de"}])
    written(folder / "a.json", {**TEMPLATE, "name": "first"})
    document = {
        "sms": {
            "allowed_countries": ["US", "DE", "US"],
            "protect": "account",
            "monthly_limit_usd": 50,
            "test_numbers": ["+14255550156"],
        },
        "whatsapp": {"templates": "templates"},
    }
    wishes = read_wishes(written(tmp_path / "setup.json", document))
    assert wishes.allowed_countries == {"US", "DE"}
    assert (wishes.account_default, wishes.monthly_limit_usd, wishes.test_numbers) == (True, 50, ("+14255550156",))
    assert [(each.name, each.language) for each in wishes.templates] == [
        ("first", "en_US"),
        ("t", "en_US"),
        ("t", "de"),
    ]
    assert json.loads(wishes.templates[1].data) == TEMPLATE
    toml = """
        [sms]
        allowed_countries = ["DE", "US"]
        protect = "account"
        monthly_limit_usd = 50
        test_numbers = ["+14255550156"]
        [whatsapp]
        templates = "templates"
    """
    assert read_wishes(written(tmp_path / "setup.toml", toml)) == wishes
    assert read_wishes(written(tmp_path / "nothing.json", {})) == Wishes()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "is no JSON"),
        ([], "no JSON object"),
        ({"smss": {}}, "no key 'smss'"),
        ({"sms": []}, "sms is no object"),
        ({"sms": {"limit": 1}}, "no key 'limit'"),
        ({"sms": {"allowed_countries": "US"}}, "is no list"),
        ({"sms": {"allowed_countries": ["us"]}}, "'us' in sms.allowed_countries"),
        ({"sms": {"allowed_countries": [1]}}, "'1' in sms.allowed_countries"),
        ({"sms": {"test_numbers": ["14255550156"]}}, "in sms.test_numbers"),
        ({"sms": {"protect": "nobody"}}, "stack, account"),
        ({"sms": {"monthly_limit_usd": -1}}, "monthly_limit_usd is -1"),
        ({"sms": {"monthly_limit_usd": 1.5}}, "whole US dollars"),
        ({"sms": {"monthly_limit_usd": True}}, "whole US dollars"),
        ({"whatsapp": {"templates": 7}}, "is no path"),
        ({"whatsapp": {"templates": "missing.json"}}, "cannot read"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, document: object, words: str) -> None:
    with pytest.raises(ConsoleError) as caught:
        read_wishes(written(tmp_path / "setup.json", document))
    assert words in str(caught.value)
    assert caught.value.problem.remedy


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "holds no template"),
        ([7], "is no template"),
        ({**TEMPLATE, "name": ""}, "is no template"),
        ({**TEMPLATE, "components": {}}, "has no components"),
        ([TEMPLATE, TEMPLATE], "is there twice"),
        ({**TEMPLATE, "components": ["x" * 6_000]}, "at most 6000"),
    ],
)
def test_templates_are_checked(tmp_path: Path, document: object, words: str) -> None:
    written(tmp_path / "t.json", document)
    with pytest.raises(ConsoleError) as caught:
        read_wishes(written(tmp_path / "setup.json", {"whatsapp": {"templates": "t.json"}}))
    assert words in str(caught.value)


@pytest.mark.parametrize(("suffix", "data"), [("toml", b"= 1"), ("json", b"\xff"), ("toml", b"\xff")])
def test_what_is_no_text_of_its_kind_is_refused(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"setup.{suffix}"
    path.write_bytes(data)
    with pytest.raises(ConsoleError, match="is no "):
        read_wishes(path)


@pytest.mark.parametrize("number", ["", "1425", "+0425", "+1425555015x", "+" + "1" * 20])
def test_nonsense_numbers_and_codes_are_refused(number: str) -> None:
    with pytest.raises(ConsoleError, match="no number"):
        parse_number(number)
    with pytest.raises(ConsoleError, match="no code"):
        parse_code(f"-{number}")


def test_a_step_that_fails_stops_no_other_and_looking_changes_nothing() -> None:
    done: list[str] = []

    def failing() -> Finding:
        raise ConnectionRefusedError("refused")

    def acts(name: str) -> Any:
        def act() -> str:
            if name == "bad":
                raise ConnectionRefusedError("refused")
            done.append(name)
            return "made so"

        return lambda: would("make it so", act)

    steps = [
        Step("a", failing),
        Step("b", acts("good")),
        Step("c", acts("bad")),
        Step("d", lambda: there("so it is")),
        Step("e", lambda: by_hand("not so", "go there")),
    ]
    looked = list(carry_out(steps, apply=False))
    assert [each.word for each in looked] == [Word.FAILED, Word.WOULD, Word.WOULD, Word.THERE, Word.HAND]
    assert done == []
    applied = list(carry_out(steps, apply=True))
    assert [each.word for each in applied] == [Word.FAILED, Word.DONE, Word.FAILED, Word.THERE, Word.HAND]
    assert done == ["good"]
    assert applied[1] == Outcome("b", Word.DONE, "made so")
    assert "cannot reach" in applied[2].detail
