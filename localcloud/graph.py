"""What evaluating the program yields: registrations as plain, comparable data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ProgramError(RuntimeError):
    """The program, or a resource it registers, failed; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value the program marked as secret; its text form hides it."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment can tell (previews)."""


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive or asset as `(path, SHA-256 of the content)` pairs, sorted by path."""

    files: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Paths inside the archive."""
        return tuple(name for name, _ in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One resource or component the program registered.

    `inputs` and `outputs` are plain Python with Pulumi's camelCase keys; secrets are `Secret`, archives `Packed`,
    unknowns `UNKNOWN`. `aliases` are full URNs. `external` is a resource that is read, not managed (`.get()`).
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]]
    protect: bool = False
    aliases: tuple[str, ...] = ()
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    id: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class RecordedGraph:
    """The registrations of one run, sorted by URN, and the stack's outputs."""

    registrations: tuple[Registration, ...]
    stack_outputs: Mapping[str, Any]

    def of_type(self, type_: str) -> tuple[Registration, ...]:
        """All registrations of the type token `type_` (`aws:sqs/queue:Queue`)."""
        return tuple(item for item in self.registrations if item.type == type_)

    def children_of(self, urn: str) -> tuple[Registration, ...]:
        """All registrations whose parent is `urn`."""
        return tuple(item for item in self.registrations if item.parent == urn)

    def types(self) -> tuple[str, ...]:
        """Type tokens of the resources (not components), each once, sorted."""
        return tuple(sorted({item.type for item in self.registrations if item.custom}))
