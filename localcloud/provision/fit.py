"""Shapes a resource's inputs into the parameters of an AWS call, by walking botocore's input shape.

Pulumi's names (`visibilityTimeoutSeconds`, `globalSecondaryIndexes`) and AWS's differ in case and number only, most of
the time; what differs more is named by the provisioner.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.graph import ProgramError

_ABSENT = object()
_PAIRS = ({"key", "value"}, {"name", "value"}, {"tagkey", "tagvalue"})
"""Member names of the structures that AWS uses for one entry of a map."""


class Inputs(dict[str, Any]):
    """A resource's inputs that remember which of them were read, at any depth."""

    def __init__(self, values: Mapping[str, Any], *, path: str = "", read: set[str] | None = None) -> None:
        self._path = path
        self._read: set[str] = set() if read is None else read
        super().__init__({key: self._wrap(key, value) for key, value in values.items()})

    def _wrap(self, key: str, value: Any) -> Any:
        path = f"{self._path}.{key}" if self._path else key
        if isinstance(value, Mapping):
            return Inputs(value, path=path, read=self._read)
        if isinstance(value, list):
            return [
                Inputs(item, path=f"{path}[{index}]", read=self._read) if isinstance(item, Mapping) else item
                for index, item in enumerate(value)
            ]
        return value

    def _mark(self, key: str) -> None:
        self._read.add(f"{self._path}.{key}" if self._path else key)

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        self._mark(key)
        return value

    def __missing__(self, key: str) -> Any:
        raise ProgramError(f"the input {key!r} is needed to create it here; set it in the program")

    def get(self, key: str, default: Any = None) -> Any:
        """As `dict.get`; marks `key` as read."""
        return self[key] if key in self else default  # noqa: SIM401 - this is what `get` is made of

    def items(self) -> Any:
        """As `dict.items`; marks every key as read."""
        for key in self:
            self._mark(key)
        return super().items()

    def values(self) -> Any:
        """As `dict.values`; marks every key as read."""
        return dict(self.items()).values()

    def unread(self) -> list[str]:
        """Paths that were not read: `timeouts`, `rules[0].filter.prefix`."""
        return [path for path in self._paths() if path not in self._read]

    def _paths(self) -> Iterator[str]:
        for key, value in super().items():
            path = f"{self._path}.{key}" if self._path else key
            nested = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Inputs)]
            if not nested or path not in self._read:
                yield path
                continue
            for item in nested:
                yield from item._paths()


def fit(shape: Any, value: Any, names: Mapping[str, str] | None = None) -> Any:
    """`value` as the botocore `shape` wants it.

    A structure takes its members from a mapping by name; `names` (member -> input) adds names that do not match by
    themselves, at any depth. Maps become tag lists where AWS has them, JSON documents text, integral floats integers.
    Raises `ProgramError` for a value that has no such form.
    """
    return _FITS.get(shape.type_name, _same)(shape, value, names or {})


def normal(name: str) -> str:
    """The form in which names are compared."""
    return name.replace("_", "").replace("-", "").lower()


def _structure(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        raise ProgramError(f"{shape.name} is an object, not {value!r}; correct the input")
    known = {normal(key): key for key in value}
    found = {}
    for member, inner in shape.members.items():
        key = next((known[form] for form in _forms(names.get(member, member)) if form in known), None)
        if key is not None:
            found[member] = fit(inner, value[key], names)
    return found


def _forms(name: str) -> list[str]:
    """A name in both numbers: AWS says `Tags` and `GlobalSecondaryIndexes`, providers often the other one."""
    plain = normal(name)
    forms = [plain, plain + "s", plain + "es"]
    if plain.endswith("y"):
        forms.append(plain[:-1] + "ies")
    if plain.endswith("ies"):
        forms.append(plain[:-3] + "y")
    if plain.endswith("es"):
        forms.append(plain[:-2])
    if plain.endswith("s"):
        forms.append(plain[:-1])
    return forms


def _list(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [fit(shape.member, item, names) for item in value]
    members = list(getattr(shape.member, "members", {}))
    if isinstance(value, Mapping) and {normal(member) for member in members} in _PAIRS:
        first, second = sorted(members, key=lambda member: normal(member).endswith("value"))
        return [{first: key, second: fit(shape.member.members[second], item)} for key, item in value.items()]
    return [fit(shape.member, value, names)]


def _map(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    return {key: fit(shape.value, item, names) for key, item in value.items()}


def _string(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    return text(value)


def text(value: Any) -> str:
    """A value as AWS writes it in a string: JSON for documents, `true` for booleans."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def _integer(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    number = float(value)
    if not number.is_integer():
        raise ProgramError(f"{shape.name} takes whole numbers, not {value}; correct the input")
    return int(number)


def _number(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    return float(value)


def _boolean(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ProgramError(f"{shape.name} is true or false, not {value!r}; correct the input")


def _blob(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


def _same(shape: Any, value: Any, names: Mapping[str, str]) -> Any:
    return value


_FITS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "blob": _blob,
}
