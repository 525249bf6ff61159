"""How the embedded cloud's WebSockets misbehave, as far as API Gateway's do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from localcloud.profile import ProfileError


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketProfile:
    """`lost_disconnect_rate` is the share of connections (0 to 1, drawn by `seed`) whose `$disconnect` never comes.

    API Gateway developer guide, "The $disconnect route": delivery is best effort.
    """

    seed: int = 1
    lost_disconnect_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.lost_disconnect_rate <= 1:
            raise ProfileError(f"lost_disconnect_rate must lie between 0 and 1, not {self.lost_disconnect_rate}")

    def to_mapping(self) -> dict[str, Any]:
        """The profile as JSON values; `from_mapping` reads it back."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> WebSocketProfile:
        """A profile from JSON values, defaults for what is absent; raises `ProfileError`."""
        unknown = sorted(set(values) - {"seed", "lost_disconnect_rate"})
        if unknown:
            raise ProfileError(f"a WebSocket profile has no {unknown[0]!r}; it has seed, lost_disconnect_rate")
        seed, rate = values.get("seed", 1), values.get("lost_disconnect_rate", 0.0)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ProfileError("seed must be a whole number")
        if isinstance(rate, bool) or not isinstance(rate, int | float):
            raise ProfileError("lost_disconnect_rate must be a number from 0 to 1")
        return cls(seed=seed, lost_disconnect_rate=float(rate))
