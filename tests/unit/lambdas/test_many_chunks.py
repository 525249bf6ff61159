"""What is left of a campaign of very many chunks, found in the memory that a page takes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaign_lane import CLAIM_GRACE_US, CampaignLane
from lambdas.adapters.dynamo import Table
from lambdas.core import keys
from lambdas.core.attribute_values import to_item
from lambdas.core.lanes import Lane, booked, lane_attributes
from lambdas.core.ports import Chunk

NOW_US = 1_900_000_000_000_000
ROWS_OF_CHUNK, ROWS = 6, 150_000
CHUNKS = -(-ROWS // ROWS_OF_CHUNK)
PAGE = 1_000
PRICE = Decimal("0.00881")
LAPSED, MISSING = 400, 19_000
"""The chunk whose worker is gone, and the one that a worker claimed and never recorded."""
MOST_BYTES = 8_000_000
"""A few pages; all chunks together take 55 MB."""


class Pages:
    """A client whose table holds the campaign's META and all its chunks, made up page by page as they are asked for."""

    def __init__(self) -> None:
        self.pages = 0

    def get_item(self, **_: Any) -> dict[str, Any]:
        lane = Lane("sms", 0, ROWS, PRICE)
        item = {"pk": keys.campaign("spring"), **lane_attributes((lane,)), "next_sms": ROWS}
        return {"Item": to_item({**item, booked("sms"): NOW_US - CLAIM_GRACE_US})}

    def query(self, **arguments: Any) -> dict[str, Any]:
        self.pages += 1
        first = arguments.get("ExclusiveStartKey", 0)
        names = [name.strip().removeprefix("#") for name in arguments["ProjectionExpression"].split(",")]
        filtered = "FilterExpression" in arguments
        page: dict[str, Any] = {"Items": list(self._items(range(first, min(CHUNKS, first + PAGE)), names, filtered))}
        return {**page, **({"LastEvaluatedKey": first + PAGE} if first + PAGE < CHUNKS else {})}

    @staticmethod
    def _items(numbers: range, names: list[str], filtered: bool) -> Iterator[dict[str, Any]]:
        for number in numbers:
            if number == MISSING or (filtered and number != LAPSED):
                continue
            first = number * ROWS_OF_CHUNK
            item = {"first_row": first, "rows": min(ROWS_OF_CHUNK, ROWS - first), "reserved": PRICE, "owner": "gone"}
            item |= {"fence": 1, "lease_until": NOW_US - 1, "status": "open" if number == LAPSED else "done"}
            yield to_item({name: item[name] for name in names if name in item})


def test_what_is_left_is_found_in_the_memory_of_a_page() -> None:
    client = Pages()
    lane = CampaignLane(Table(client, "campaigns"), "sms")
    tracemalloc.start()
    try:
        left = lane.abandoned_chunks("spring", NOW_US)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left == [
        Chunk("spring", LAPSED * ROWS_OF_CHUNK, ROWS_OF_CHUNK, PRICE, "gone", 1, NOW_US - 1),
        Chunk("spring", MISSING * ROWS_OF_CHUNK, ROWS_OF_CHUNK, PRICE * ROWS_OF_CHUNK, "", 0, 0),
    ]
    assert client.pages == 2 * -(-CHUNKS // PAGE)
    assert peak < MOST_BYTES
