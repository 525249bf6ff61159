"""What the pumping guard holds back: `GET /api/pumping-guard` and `DELETE /api/pumping-guard/{id}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from lambdas.adapters.pumping import EXEMPT_SECONDS, Blocks
from lambdas.campaign_api.answers import Answer, ApiError
from lambdas.core.pumping_guard import Watched

Verb = Callable[[Mapping[str, str], Mapping[str, str]], Answer]


class BlockService:
    """Shows and lifts the guard's blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    def verbs(self) -> Mapping[str, Verb]:
        """Each route of the resource, by its key; a verb takes the path's parameters and the query's."""
        return {"GET /api/pumping-guard": self.listed, "DELETE /api/pumping-guard/{id}": self.lift}

    def listed(self, _parameters: Mapping[str, str], _query: Mapping[str, str]) -> Answer:
        """200 with the blocks in force, the last to end first."""
        blocks = [
            {"id": what.id, "kind": what.kind, "name": what.shown, "until_ms": until_s * 1_000}
            for what, until_s in self._blocks.listed().items()
        ]
        return Answer(200, {"blocks": blocks})

    def lift(self, parameters: Mapping[str, str], _query: Mapping[str, str]) -> Answer:
        """200 once messages go out again; what was blocked is left alone for a day."""
        what = Watched.from_id(unquote(parameters.get("id", "")))
        if what is None or not self._blocks.lift(what):
            raise ApiError(404, "not_blocked", "nothing of this id is blocked; GET /api/pumping-guard lists the blocks")
        return Answer(200, {"id": what.id, "exempt_seconds": EXEMPT_SECONDS})
