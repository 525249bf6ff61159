"""A resource to imagine, and what names and ARNs made of it look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.provision.names import fingerprint, physical_name


@dataclass(frozen=True, slots=True)
class Sketch:
    """One resource to imagine: `logical` is its name in the program, `inputs` are what it was registered with."""

    urn: str
    logical: str
    inputs: Mapping[str, Any]
    account: str
    region: str

    def name(self, key: str = "name", longest: int = 255) -> str:
        """The name given as the input `key`, or the one that Pulumi makes up, of at most `longest` characters."""
        return str(self.inputs.get(key) or physical_name(self.logical, self.urn, longest))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    @property
    def short_id(self) -> str:
        """In place of ten characters that AWS draws at random."""
        return fingerprint(self.urn, 10)
