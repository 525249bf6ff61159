"""A DynamoDB table: on demand, encrypted with the stack's key, recoverable, its throttling and errors alarmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.iam import READ, Statement
from components.measures import Measure
from components.platform import Platform

TTL_ATTRIBUTE = "ttl"
AttributeType = Literal["S", "N"]

OPERATIONS = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem")
"""What functions ask of tables: system errors are published by operation only (developer guide, DynamoDB metrics)."""

ERRORS_ALLOWED = 10
"""Internal errors in five minutes before the alarm rises; the SDK repeats a request that meets a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A global secondary index that projects keys only: every other projection multiplies the write cost."""

    name: str
    hash_key: str
    range_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableArgs:
    """`keys` maps each key attribute, of the table or an index, to its type; rows end at the time in `ttl`."""

    thing: str
    keys: Mapping[str, AttributeType]
    hash_key: str
    range_key: str | None = None
    indexes: Sequence[Index] = ()
    ttl: str = TTL_ATTRIBUTE
    stream: bool = False


class Table(pulumi.ComponentResource):
    """The table and its alarms; `grant` and `grant_index` make the statements of those who use it."""

    table: aws.dynamodb.Table
    thing: str
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    stream_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: TableArgs, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:table:Table", name, {}, opts)
        policy = platform.site.policy
        self.thing = args.thing
        self._indexes = [index.name for index in args.indexes]
        self.table = aws.dynamodb.Table(
            f"{name}-table",
            name=platform.site.physical(args.thing),
            billing_mode="PAY_PER_REQUEST",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=key, type=kind) for key, kind in sorted(args.keys.items())
            ],
            hash_key=args.hash_key,
            range_key=args.range_key,
            global_secondary_indexes=[
                aws.dynamodb.TableGlobalSecondaryIndexArgs(
                    name=index.name, key_schemas=_key_schema(index), projection_type="KEYS_ONLY"
                )
                for index in args.indexes
            ],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=args.ttl, enabled=True),
            stream_enabled=args.stream,
            stream_view_type="NEW_AND_OLD_IMAGES" if args.stream else None,
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=platform.key_arn
            ),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=policy.point_in_time_recovery),
            deletion_protection_enabled=policy.deletion_protection,
            tags=platform.site.tags,
            opts=pulumi.ResourceOptions(
                parent=self, protect=policy.protect, retain_on_delete=policy.retain_data, delete_before_replace=True
            ),
        )
        self.name = self.table.name
        self.arn = self.table.arn
        self.stream_arn = self.table.stream_arn
        self._watch(name, platform)
        platform.inventory.tables.append(self)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant(self, sid: str, *actions: str) -> Statement:
        """The right to `actions` (without `dynamodb:`) on the table's items."""
        return Statement(
            sid=sid, actions=[f"dynamodb:{action}" for action in actions], resources=[self.arn], key_actions=READ
        )

    def measure(self, metric: str, statistic: str, period: int = 300, **within: str) -> Measure:
        """A metric of the table, or `within` it of an operation or an index (developer guide, DynamoDB metrics)."""
        dimensions: dict[str, pulumi.Input[str]] = {"TableName": self.name, **within}
        return Measure(namespace="AWS/DynamoDB", name=metric, dimensions=dimensions, statistic=statistic, period=period)

    def throttles(self, direction: Literal["Read", "Write"]) -> list[Measure]:
        """Throttled events of the table and of each index: a table's own metric leaves its indexes out."""
        metric = f"{direction}ThrottleEvents"
        of_indexes = [self.measure(metric, "Sum", GlobalSecondaryIndexName=index) for index in self._indexes]
        return [self.measure(metric, "Sum"), *of_indexes]

    def _watch(self, name: str, platform: Platform) -> None:
        directions: tuple[Literal["Read", "Write"], ...] = ("Read", "Write")
        for direction in directions:
            alarms.alarm(
                f"{name}-{direction.lower()}s-throttled",
                parent=self,
                platform=platform,
                family=alarm_families.TABLE_THROTTLED,
                subject=f"{self.thing}-{direction.lower()}s",
                watched=self.throttles(direction),
                limit=alarms.Limit(value=0),
            )
        alarms.alarm(
            f"{name}-errors",
            parent=self,
            platform=platform,
            family=alarm_families.TABLE_ERRORS,
            subject=self.thing,
            watched=[self.measure("SystemErrors", "Sum", Operation=operation) for operation in OPERATIONS],
            limit=alarms.Limit(value=ERRORS_ALLOWED),
        )

    def grant_index(self, sid: str, *indexes: str) -> Statement:
        """The right to query `indexes`."""
        return Statement(
            sid=sid,
            actions=["dynamodb:Query"],
            resources=[pulumi.Output.concat(self.arn, f"/index/{index}") for index in indexes],
            key_actions=READ,
        )


def _key_schema(index: Index) -> list[aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs]:
    schema = [aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=index.hash_key, key_type="HASH")]
    if index.range_key is not None:
        schema.append(
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=index.range_key, key_type="RANGE")
        )
    return schema
