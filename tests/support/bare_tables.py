"""The three tables in an empty embedded cloud, for tests of what the functions' own code does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from botocore.config import Config

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.dynamo import Table
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.lanes import Lane, lane_attributes
from localcloud.launch import LocalCloud

KEYS: Mapping[str, tuple[str, ...]] = {
    "campaigns": ("pk", "sk"),
    "tracking": ("message_id",),
    "limits": ("limiter_key",),
}


@dataclass(frozen=True, slots=True)
class BareTables:
    """Tables under names of a test's own."""

    campaigns: Table
    tracking: Table
    limits: Table


def dynamo(cloud: LocalCloud, *, attempts: int = 4, connections: int = 50, endpoint_url: str | None = None) -> Any:
    """A client as functions have them; `endpoint_url` leads to the cloud by another way."""
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
    )
    return cloud.client("dynamodb", config=config, **({"endpoint_url": endpoint_url} if endpoint_url else {}))


def make_tables(client: Any, prefix: str) -> BareTables:
    """Create the tables and wait until they are there."""
    names = {}
    for name, attributes in KEYS.items():
        names[name] = f"{prefix}-{name}"
        client.create_table(
            TableName=names[name],
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": attribute, "KeyType": kind}
                for attribute, kind in zip(attributes, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
        )
        client.get_waiter("table_exists").wait(TableName=names[name], WaiterConfig={"Delay": 1})
    return BareTables(*(Table(client, names[name]) for name in KEYS))


def put_campaign(table: Table, campaign_id: str, *, rows: int, tps: float, price: Decimal, cap: Decimal) -> None:
    """A running campaign of one SMS lane that nobody has worked on."""
    item: dict[str, Any] = {
        "pk": keys.campaign(campaign_id),
        "sk": keys.META,
        "created_at": 0,
        "status": CampaignStatus.RUNNING.value,
        "version": 1,
        "tps": Decimal(str(tps)),
        "rows": rows,
        "cap": cap,
        "budget_left": cap,
        "plan": campaign_id,
        **dict.fromkeys(("claimed_rows", "done_rows", "reserved", "spent", "suppressed", "unsent"), 0),
        **lane_attributes((Lane("sms", 0, rows, price),)),
    }
    assert CampaignTable(table).create(item) is None
