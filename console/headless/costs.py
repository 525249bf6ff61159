"""`costs customer ID` and `costs campaign ID`: what messages have cost."""

from __future__ import annotations

from console.costs import CustomerCosts, Days
from console.exit_codes import ExitCode
from console.headless import talk
from console.sources.base import Connection
from console.sources.records_api import records_of
from console.view import costs as view
from console.view.segments import text_of


def customer(connection: Connection, customer_id: str, days: Days, *, as_json: bool) -> ExitCode:
    """The sums of all pages of a customer's messages."""
    records, costs, cursor = records_of(connection), CustomerCosts(), None
    course = talk.Course()
    while True:
        page = records.customer_costs(customer_id, days, cursor)
        costs.add(page)
        cursor = page.get("next_cursor")
        if not isinstance(cursor, str):
            break
        course(f"{int(costs.total['messages'])} messages added up")
    if as_json:
        period = {"from": days.first.isoformat(), "to": days.last.isoformat()}
        talk.put_json({"customer_id": customer_id, **period, **costs.to_json()})
    else:
        talk.put(text_of(view.customer_lines(costs)))
    return ExitCode.OK


def campaign(connection: Connection, campaign_id: str, *, as_json: bool) -> ExitCode:
    """One campaign by channel, and its cap."""
    found = connection.source.campaign(campaign_id)
    if as_json:
        document = found.to_json()
        talk.put_json(
            {
                "campaign_id": found.id,
                "cost_usd": found.cost_usd,
                "spend": document["spend"],
                "by_channel": {
                    name: {"sent": counts.sent, "cost_usd": counts.cost_usd}
                    for name, counts in sorted(found.channels.items())
                },
            }
        )
    else:
        talk.put(text_of(view.campaign_lines(found)))
    return ExitCode.OK
