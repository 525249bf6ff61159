"""Stack configuration read without the CLI: values as the CLI would pass them, and one sentence for what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from localcloud.stack_config import StackConfigError, load, project_name, stacks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return tmp_path


def write(root: Path, text: str, stack: str = "dev") -> None:
    (root / f"Pulumi.{stack}.yaml").write_text(text)


def test_values_are_the_text_the_cli_hands_over(root: Path) -> None:
    write(
        root,
        """
config:
  aws:region: eu-west-1
  shop:count: 07
  shop:on: yes
  shop:phone: +4915112345678
  shop:day: 2026-01-02
  short: quoted "text"
  shop:object: {a: 1, b: yes, c: true, d: "1", e: null, f: 1.5, phone: +49151, list: [x, 2]}
""",
    )
    config = load(root, "dev")
    assert config.project == "shop"
    assert {key: value for key, value in config.values.items() if key != "shop:object"} == {
        "aws:region": "eu-west-1",
        "shop:count": "07",
        "shop:on": "yes",
        "shop:phone": "+4915112345678",
        "shop:day": "2026-01-02",
        "shop:short": 'quoted "text"',
    }
    assert json.loads(config.values["shop:object"]) == {
        "a": 1,
        "b": "yes",
        "c": True,
        "d": "1",
        "e": None,
        "f": 1.5,
        "phone": "+49151",
        "list": ["x", 2],
    }


def test_project_defaults_stand_below_the_stack_and_overrides_above(root: Path) -> None:
    (root / "Pulumi.yaml").write_text(
        "name: shop\nconfig:\n  size: {default: 1}\n  aws:region: {value: us-east-1}\n  color: {type: string}\n"
    )
    write(root, "config: {shop:size: 2, shop:name: file}\n")
    config = load(root, "dev", {"name": "given"})
    assert config.values == {"shop:size": "2", "aws:region": "us-east-1", "shop:name": "given"}
    assert config.with_defaults({"shop:size": "9", "shop:new": "3"}).values == {**config.values, "shop:new": "3"}


@pytest.mark.parametrize("text", ["", "config:\n", "encryptionsalt: v1:abc\n", "config: null\n"])
def test_a_stack_without_values_is_fine(root: Path, text: str) -> None:
    write(root, text)
    assert load(root, "dev").values == {}


@pytest.mark.parametrize(
    "value",
    ["{secure: v1:abc}", "{nested: {token: {secure: v1:abc}}}", "[{secure: v1:abc}]"],
)
def test_an_encrypted_value_is_refused_unless_it_is_replaced(root: Path, value: str) -> None:
    write(root, f"config:\n  shop:plain: 1\n  shop:token: {value}\n")
    with pytest.raises(StackConfigError) as refusal:
        load(root, "dev")
    assert "Pulumi.dev.yaml:3" in str(refusal.value)
    assert "shop:token is encrypted" in str(refusal.value)
    assert "pass a value of your own" in str(refusal.value)
    config = load(root, "dev", {"shop:token": "mine"})
    assert config.values["shop:token"] == "mine"
    assert config.secret_keys == {"shop:token"}


def test_an_unknown_stack_is_answered_with_the_known_ones(root: Path) -> None:
    write(root, "", "prod")
    write(root, "", "dev")
    with pytest.raises(StackConfigError, match=r"no stack 'qa' here \(stacks: dev, prod\); create Pulumi.qa.yaml"):
        load(root, "qa")
    assert stacks(root) == ["dev", "prod"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("config:\n  a: [1\n", 3),
        ("config:\n\ta: 1\n", 2),
        ("config:\n  - a\n", 2),
        ("config:\n  a: 1\n  a: 2\n", 3),
        ("config:\n  ? [x]\n  : 1\n", 2),
        ("- config\n", 1),
    ],
)
def test_malformed_yaml_is_one_sentence_with_file_and_line(root: Path, text: str, line: int) -> None:
    write(root, text)
    with pytest.raises(StackConfigError) as refusal:
        load(root, "dev")
    assert str(refusal.value).startswith(f"Pulumi.dev.yaml:{line}: ")
    assert "\n" not in str(refusal.value)


def test_text_that_is_not_utf8_is_refused(root: Path) -> None:
    (root / "Pulumi.dev.yaml").write_bytes(b"config:\n  a: \xff\n")
    with pytest.raises(StackConfigError, match="UTF-8"):
        load(root, "dev")


def test_a_directory_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackConfigError, match=r"no Pulumi\.yaml here"):
        project_name(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("runtime: python\n")
    with pytest.raises(StackConfigError, match="the project has no name"):
        project_name(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(max_codepoint=0xD7FF), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc -#:", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


class CoreSchemaDumper(yaml.SafeDumper):
    """Quotes what is a number by YAML 1.2's core schema but a text by YAML 1.1, as which PyYAML writes: `0E0`."""


CoreSchemaDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"),
    list("-+.0123456789"),
)


@example(value={"a": ["0E0", "1e3", 1e30, "1."]})
@given(value=st.dictionaries(st.text("abc", min_size=1, max_size=3), json_values, min_size=1, max_size=3))
def test_nested_values_survive_the_way_through_yaml(
    value: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("project")
    (root / "Pulumi.yaml").write_text("name: shop\n")
    (root / "Pulumi.dev.yaml").write_text(yaml.dump({"config": {"shop:value": value}}, Dumper=CoreSchemaDumper))
    assert json.loads(load(root, "dev").values["shop:value"]) == value
