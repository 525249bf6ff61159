"""Single messages of a stack: searched in its tracking table, followed by its API."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from console.domain import ConsoleError, Message, ProblemKind
from console.sources.base import Document
from console.sources.clients import Clients
from console.sources.records_api import RecordsApi
from console.sources.shapes import message_of, understood
from console.sources.signed_api import SignedApi
from console.sources.tables import Tables
from console.telemetry import MessagePage, MessageSearch
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.outputs import StackOutputs

PAGE_ROWS = 200

T = TypeVar("T")


class AwsRecords:
    """Reads one stack's messages; `campaign` finds a campaign as it is now, or raises `ConsoleError`."""

    def __init__(self, outputs: StackOutputs, clients: Clients, campaign: Callable[[str], CampaignSummary]) -> None:
        self._table = outputs.messaging.delivery_tracking_table
        self._tables = Tables(clients)
        self._campaign = campaign
        self._api = RecordsApi(SignedApi(outputs.campaigns.api_url, clients))

    def search(self, wanted: MessageSearch, cursor: str | None = None) -> MessagePage:
        """A page of up to `PAGE_ROWS` messages: of a campaign its claimed rows, of a customer all that are kept.

        Rows that are claimed and not yet begun, and those whose recipients had opted out, are not in the table: a page
        may hold less than it covers.
        """
        if (bool(wanted.campaign_id), bool(wanted.customer_id), bool(wanted.message_id)).count(True) != 1:
            raise ConsoleError(
                ProblemKind.BAD_INPUT, "messages are searched by one thing", "give a campaign, a customer or a message"
            )
        if wanted.campaign_id:
            return self._of_campaign(wanted.campaign_id, cursor)
        if wanted.customer_id:
            return self._of_customer(wanted.customer_id, cursor)
        found = self._read([wanted.message_id])
        return MessagePage(found, None, len(found))

    def timeline(self, message_id: str) -> Document:
        """A message with all its legs."""
        return self._api.timeline(message_id)

    def _of_campaign(self, campaign_id: str, cursor: str | None) -> MessagePage:
        """Rows by their deterministic ids; the cursor remembers how many there were when the search began."""
        lanes = claimed_rows(self._campaign(campaign_id))
        begun, skipped = _campaign_cursor(cursor) if cursor else ({name: len(rows) for name, rows in lanes.items()}, 0)
        lanes = {name: rows[: begun.get(name, 0)] for name, rows in lanes.items()}
        total = sum(map(len, lanes.values()))
        rows = list(itertools.islice(newest_first(list(lanes.values())), skipped, skipped + PAGE_ROWS))
        upto = skipped + len(rows)
        following = json.dumps({"skip": upto, "of": begun}, separators=(",", ":")) if upto < total else None
        return MessagePage(self._read([keys.message(campaign_id, row) for row in rows]), following, total)

    def _of_customer(self, customer_id: str, cursor: str | None) -> MessagePage:
        """The index holds keys by time; its rows are read from the table, which knows their latest state."""
        items, last = self._tables.page(
            self._table,
            "#customer = :customer",
            {"#customer": "customer_id"},
            {":customer": {"S": customer_id}},
            index=keys.CUSTOMER_INDEX,
            newest_first=True,
            limit=PAGE_ROWS,
            start={"customer_id": customer_id, **_customer_cursor(cursor)} if cursor else None,
        )
        found = self._read([str(item["message_id"]) for item in items])
        following = None if last is None else json.dumps([last["timestamp"], last["message_id"]])
        return MessagePage(found, following)

    def _read(self, ids: list[str]) -> tuple[Message, ...]:
        items = self._tables.batch_get(self._table, "message_id", ids)
        found = [understood("a tracking row", message_of, item) for item in items]
        return tuple(sorted(found, key=lambda message: (message.created_ms, message.id), reverse=True))


def claimed_rows(campaign: CampaignSummary) -> dict[str, range]:
    """The rows that workers have taken, by the name of their lane."""
    return {lane.name: lane.claimed for lane in campaign.lanes}


def newest_first(lanes: list[range]) -> Iterator[int]:
    """All rows, those claimed last first: lanes send side by side, so each gives rows in proportion to its length."""

    def backwards(place: int, rows: range) -> Iterator[tuple[float, int, int]]:
        return ((number / len(rows), place, row) for number, row in enumerate(reversed(rows)))

    return (row for _, _, row in heapq.merge(*(backwards(*each) for each in enumerate(lanes))))


def _campaign_cursor(cursor: str) -> tuple[dict[str, int], int]:
    def read(document: Any) -> tuple[dict[str, int], int]:
        of: Mapping[str, Any] = document["of"]
        return {str(name): int(number) for name, number in of.items()}, max(0, int(document["skip"]))

    return _cursor(cursor, read)


def _customer_cursor(cursor: str) -> dict[str, Any]:
    def read(document: Any) -> dict[str, Any]:
        at, message_id = document
        return {"timestamp": int(at), "message_id": str(message_id)}

    return _cursor(cursor, read)


def _cursor(cursor: str, read: Callable[[Any], T]) -> T:
    try:
        return read(json.loads(cursor))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConsoleError(
            ProblemKind.BAD_INPUT, "the search has no such page", "search again from the beginning"
        ) from None
