"""What the API tells of single messages and recipients; answers stay JSON objects, their texts foreign until shown."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from console.costs import Days
from console.domain import ConsoleError, ProblemKind
from console.sources.base import Connection, Document
from console.sources.signed_api import SignedApi


class RecordsApi:
    """One stack's records, by the same API as its campaigns."""

    def __init__(self, api: SignedApi) -> None:
        self._api = api

    def timeline(self, message_id: str) -> Document:
        """A message with all its legs; raises `ConsoleError` of the kind NOT_FOUND where there is none."""
        return self._api.call("GET", f"/api/messages/{_segment(message_id)}/timeline")

    def overdue(self) -> Document:
        """Messages whose final receipt has not come, by age, channel and campaign."""
        return self._api.call("GET", "/api/receipts/overdue")

    def opt_out(self, channel: str, address: str) -> Document:
        """Whether an address has opted out of a channel, and by which sources."""
        return self._api.call("GET", _opt_out(channel, address))

    def record_opt_out(self, channel: str, address: str) -> Document:
        """Nothing is sent to the address on this channel from now on."""
        return self._api.call("PUT", _opt_out(channel, address))

    def lift_opt_out(self, channel: str, address: str, version: int, *, provider_list_lifted: bool) -> Document:
        """Lift what `version` holds; raises `ConsoleError` of the kind CHANGED when something came in meanwhile."""
        asked = {"expected_version": version} | ({"provider_list_lifted": "true"} if provider_list_lifted else {})
        return self._api.call("DELETE", f"{_opt_out(channel, address)}?{urlencode(asked)}")

    def forget(self, address: str) -> Document:
        """Forget a recipient, except where an opt-out holds."""
        return self._api.call("DELETE", f"/api/recipients/{_segment(address)}")

    def pumping_blocks(self) -> Document:
        """The ranges and countries that the guard against SMS pumping holds back."""
        return self._api.call("GET", "/api/pumping-guard")

    def lift_pumping_block(self, block: str) -> Document:
        """Let messages to a range or country go out again."""
        return self._api.call("DELETE", f"/api/pumping-guard/{_segment(block)}")

    def customer_costs(self, customer_id: str, days: Days, cursor: str | None) -> Document:
        """One page of the sums over a customer's messages of these days; `next_cursor` leads to the next."""
        asked = {"from": days.first.isoformat(), "to": days.last.isoformat()} | ({"cursor": cursor} if cursor else {})
        return self._api.call("GET", f"/api/customers/{_segment(customer_id)}/costs?{urlencode(asked)}")


def _opt_out(channel: str, address: str) -> str:
    return f"/api/opt-outs/{_segment(channel)}/{_segment(address)}"


def _segment(text: str) -> str:
    return quote(text, safe="")


def records_of(connection: Connection) -> RecordsApi:
    """The records of a connected stack; raises `ConsoleError` for one that is made up."""
    if connection.clients is None:
        raise ConsoleError(ProblemKind.BAD_INPUT, "there are no records: this stack is made up or replayed")
    return RecordsApi(SignedApi(connection.outputs.campaigns.api_url, connection.clients))
