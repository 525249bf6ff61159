"""Orders of retries and fallback legs, as two queues carry them: which leg of which chain, and no text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from lambdas.core.campaign_request import RequestError
from lambdas.core.chain_terms import is_leg, leg_id
from lambdas.core.message_order import MESSAGE_ID

LEG = "leg"


class LegOrder(NamedTuple):
    """The leg `number` of a chain, on the chain's channel of place `choice`, wanted since `ordered_at_ms` (epoch)."""

    chain_id: str
    number: int
    choice: int
    ordered_at_ms: int

    @property
    def message_id(self) -> str:
        """Our id of the leg's message."""
        return leg_id(self.chain_id, self.number)

    def to_json(self) -> dict[str, Any]:
        """The message's body."""
        leg = {"chain_id": self.chain_id, "number": self.number, "choice": self.choice}
        return {LEG: leg, "ordered_at_ms": self.ordered_at_ms}


def is_leg_order(document: object) -> bool:
    """Whether a message of the outbox asks for a leg, not for a message of its own."""
    return isinstance(document, dict) and LEG in document


def parse_leg_order(document: Mapping[str, Any]) -> LegOrder:
    """The inverse of `LegOrder.to_json`; raises `RequestError`."""
    leg, at_ms = document[LEG], document.get("ordered_at_ms")
    if not isinstance(leg, dict) or not _is_whole(at_ms):
        raise RequestError(["a leg is ordered by chain_id, number and choice, with ordered_at_ms"])
    chain_id, number, choice = leg.get("chain_id"), leg.get("number"), leg.get("choice")
    if not isinstance(chain_id, str) or not MESSAGE_ID.fullmatch(chain_id) or is_leg(chain_id):
        raise RequestError(["a leg's chain_id is the id of its chain's first message"])
    if not _is_whole(number) or not _is_whole(choice) or not 1 <= number <= 9 or choice < 0:
        raise RequestError(["a leg has a number from 1 to 9, and a choice"])
    return LegOrder(chain_id, number, choice, at_ms)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
