"""Who must not be written to: RECIPIENT items of the campaigns table, keyed by the number in E.164 form or the email
address in lower case.
"""

from __future__ import annotations

from collections.abc import Collection

from lambdas.adapters.clock import now_ms
from lambdas.adapters.dynamo import Table
from lambdas.core import keys

STATE = "STATE"


class OptOuts:
    """Implements `lambdas.core.ports.OptOutPort`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        """Those of `destinations` that must not be written to, read now and consistently."""
        by_key = {keys.recipient(destination): destination for destination in destinations}
        items = self._table.batch_get(({"pk": key, "sk": STATE} for key in by_key), consistent=True)
        return frozenset(by_key[item["pk"]] for item in items if "opted_out_at" in item)

    def remember(self, destination: str, source: str = "provider") -> None:
        """Record that `destination` must not be written to; the first time and the first source stay."""
        self._table.update(
            {"pk": keys.recipient(destination), "sk": STATE},
            "SET #opted_out_at = if_not_exists(#opted_out_at, :now), #source = if_not_exists(#source, :source)",
            {"now": now_ms(), "source": source},
        )
