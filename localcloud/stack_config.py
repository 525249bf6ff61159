"""Stack configuration: `Pulumi.yaml` and `Pulumi.<stack>.yaml`, read without the Pulumi CLI.

Values become the text that the CLI hands to a program: a plain scalar as it was written, an object or list as JSON
(https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")


class StackConfigError(ValueError):
    """The project's or the stack's YAML cannot be used; the message is one sentence with file, line and remedy."""


@dataclass(frozen=True, slots=True)
class StackConfig:
    """The configuration of one stack: full keys (`project:key`) to text, and which of them are secret."""

    project: str
    stack: str
    values: Mapping[str, str]
    secret_keys: frozenset[str] = frozenset()

    def with_defaults(self, defaults: Mapping[str, str]) -> StackConfig:
        """The same configuration with `defaults` where no value is set."""
        return StackConfig(self.project, self.stack, {**defaults, **self.values}, self.secret_keys)


def project_name(root: Path) -> str:
    """The `name` in `Pulumi.yaml`; raises `StackConfigError`."""
    return _project(root)[0]


def stacks(root: Path) -> list[str]:
    """Names of the stacks that have a configuration file beside `Pulumi.yaml`, sorted."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml"))


def load(root: Path, stack: str, overrides: Mapping[str, str] | None = None) -> StackConfig:
    """Read the configuration of `stack`; `overrides` win over the files, a key without namespace is the project's.

    Raises `StackConfigError`: no project here, no such stack, malformed YAML, or an encrypted value that
    `overrides` does not replace (only the CLI's secrets provider can decrypt it).
    """
    project, defaults = _project(root)
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(stacks(root)) or "none"
        raise StackConfigError(f"there is no stack {stack!r} here (stacks: {known}); create Pulumi.{stack}.yaml for it")
    given = {_full_key(project, key): value for key, value in (overrides or {}).items()}
    values = dict(defaults)
    secrets: set[str] = set()
    for key, node in _entries(path, _section(path, _compose(path), "config")):
        full = _full_key(project, key)
        encrypted = _encrypted(node)
        if encrypted is None:
            values[full] = _text(node)
            continue
        secrets.add(full)
        if full not in given:
            raise StackConfigError(
                f"{_at(path, encrypted)}: {full} is encrypted and only the Pulumi CLI can decrypt it; "
                f"pass a value of your own for it, or keep it out of stack {stack}"
            )
    values.update(given)
    return StackConfig(project, stack, values, frozenset(secrets))


def _project(root: Path) -> tuple[str, dict[str, str]]:
    path = root / "Pulumi.yaml"
    if not path.is_file():
        raise StackConfigError("there is no Pulumi.yaml here; start from the project's directory")
    document = _compose(path)
    top = dict(_entries(path, document))
    name = top.get("name")
    if not isinstance(name, yaml.ScalarNode) or not name.value:
        raise StackConfigError(f"{path.name}: the project has no name; add `name: <project>`")
    project = str(name.value)
    defaults: dict[str, str] = {}
    for key, node in _entries(path, _section(path, document, "config")):
        value: yaml.Node | None = node
        if isinstance(node, yaml.MappingNode):
            fields = dict(_entries(path, node))
            value = fields.get("value", fields.get("default"))
        if value is not None:
            defaults[_full_key(project, key)] = _text(value)
    return project, defaults


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _compose(path: Path) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise StackConfigError(
            f"{path.name}{line}: {error.problem or error.context}; correct the YAML there"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise StackConfigError(f"{path.name} is not YAML in UTF-8 ({reason}); correct the file") from error
    return node


def _section(path: Path, document: yaml.Node | None, name: str) -> yaml.Node | None:
    return dict(_entries(path, document)).get(name)


def _entries(path: Path, node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    if node is None or (isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")):
        return []
    if not isinstance(node, yaml.MappingNode):
        raise StackConfigError(f"{_at(path, node)}: keys and values are expected here; write `key: value` lines")
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise StackConfigError(f"{_at(path, key)}: a key must be plain text; put it in quotes")
        if key.value in entries:
            raise StackConfigError(f"{_at(path, key)}: {key.value} is set twice; keep one of the two")
        entries[key.value] = value
    return list(entries.items())


def _at(path: Path, node: yaml.Node) -> str:
    return f"{path.name}:{node.start_mark.line + 1}"


def _encrypted(node: yaml.Node) -> yaml.Node | None:
    """The first `secure:` mapping in `node`, at any depth."""
    if isinstance(node, yaml.MappingNode):
        if [key.value for key, _ in node.value] == ["secure"]:
            return node
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    else:
        return None
    return next((found for child in children if (found := _encrypted(child)) is not None), None)


def _text(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    return json.dumps(_value(node), separators=(",", ":"))


def _value(node: yaml.Node) -> Any:
    """A nested value by YAML 1.2's core schema: `yes`, dates and `+49...` stay text, unlike in PyYAML's own."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in ("true", "false"):
        return text == "true"
    if text in ("null", "~", ""):
        return None
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text
