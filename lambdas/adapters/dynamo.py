"""DynamoDB as functions use it: conditional writes, queries, batches, transactions and the server's clock."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from lambdas.adapters.aws import ConfigurationError
from lambdas.core.attribute_values import Item, from_item, to_attribute, to_item

_NAME = re.compile(r"#\w+")
MAX_BATCH_GET = 100
"""Keys of one BatchGetItem (API reference)."""
CONDITION_FAILED = "ConditionalCheckFailedException"


def names_of(*expressions: str) -> dict[str, str]:
    """`#status` placeholders of expressions as ExpressionAttributeNames: each stands for the name behind the `#`."""
    return {name: name[1:] for expression in expressions for name in _NAME.findall(expression)}


def values_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"now": 1}` as ExpressionAttributeValues `{":now": {"N": "1"}}`."""
    return {f":{name}": to_attribute(value) for name, value in values.items()}


CONFLICTS = frozenset(
    {"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException"}
)
CONFLICT_TRIES = 8
CONFLICT_WAIT_S = 0.02
"""A write that meets a transaction on the same item is refused whole, so it may be repeated; botocore does not do so
(DynamoDB developer guide, "Transaction conflict handling")."""
THROTTLED = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"})
"""Refusals for want of capacity, which have written nothing (DynamoDB developer guide, "Error handling with DynamoDB");
botocore repeats them where it may repeat calls."""
PASSING_REASONS = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(Exception):
    """A conditional write that did not hold; `item` is what the table holds instead, None if nothing."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the item has changed")
        self.item = item


class Table:
    """One table through one client; every name in an expression is written `#name`, every value `:name`."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        self.server_date_s: float | None = None

    def once(self) -> Table:
        """This table, for writes that add up: applied twice, they would count twice. Raises `ConfigurationError` if its
        client (`attempts` of `aws.client`) repeats a call whose answer was lost."""
        if (self.client.meta.config.retries or {}).get("total_max_attempts") != 1:
            raise ConfigurationError(
                f"writes to {self.name} that add up need a client that makes each call once: build it with attempts=1"
            )
        return self

    def get(self, key: Mapping[str, Any], *, consistent: bool = True) -> Item | None:
        """One item."""
        answer = self.client.get_item(TableName=self.name, Key=to_item(key), ConsistentRead=consistent)
        return from_item(answer["Item"]) if "Item" in answer else None

    def put(self, item: Mapping[str, Any]) -> None:
        """Put an item whose key nobody else uses: a repeated call changes nothing."""
        without_conflict(lambda: self.client.put_item(TableName=self.name, Item=to_item(item)))

    def put_new(self, item: Mapping[str, Any], key: str) -> None:
        """Put an item whose hash key attribute `key` must not exist; raises `ConditionFailed` with the present one."""
        try:
            without_conflict(
                lambda: self.client.put_item(
                    TableName=self.name,
                    Item=to_item(item),
                    ConditionExpression="attribute_not_exists(#k)",
                    ExpressionAttributeNames={"#k": key},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except ClientError as error:
            raise _condition(error) from error

    def update(
        self,
        key: Mapping[str, Any],
        update: str,
        values: Mapping[str, Any],
        *,
        condition: str | None = None,
        before: bool = False,
    ) -> Item:
        """Update an item and return it as it is now, or was `before`; raises `ConditionFailed`."""
        arguments = self.update_arguments(key, update, values, condition=condition)
        try:
            answer = without_conflict(
                lambda: self.client.update_item(
                    **arguments,
                    ReturnValues="ALL_OLD" if before else "ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except ClientError as error:
            self._note_date(error.response)
            raise _condition(error) from error
        self._note_date(answer)
        return from_item(answer["Attributes"])

    def update_once(
        self, key: Mapping[str, Any], update: str, values: Mapping[str, Any], *, condition: str | None = None
    ) -> Item:
        """As `update`, of a table by `once`: repeated only while there is no capacity, which has written nothing."""
        item: Item = without_throttling(lambda: self.update(key, update, values, condition=condition))
        return item

    def update_arguments(
        self, key: Mapping[str, Any], update: str, values: Mapping[str, Any], *, condition: str | None = None
    ) -> dict[str, Any]:
        """The parameters of an update, alone or as a member of a transaction."""
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "Key": to_item(key),
            "UpdateExpression": update,
            "ExpressionAttributeValues": values_of(values),
        }
        if names := names_of(update, condition or ""):
            arguments["ExpressionAttributeNames"] = names
        if condition is not None:
            arguments["ConditionExpression"] = condition
        return arguments

    def transact(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Write all of `items` or none; raises `ConditionFailed` if one condition did not hold."""
        try:
            without_conflict(lambda: self.client.transact_write_items(TransactItems=list(items)))
        except ClientError as error:
            raise _condition(error) from error

    def delete(self, key: Mapping[str, Any], *, condition: str, values: Mapping[str, Any]) -> bool:
        """Delete an item under a condition; False if it did not hold."""
        try:
            self.client.delete_item(
                TableName=self.name,
                Key=to_item(key),
                ConditionExpression=condition,
                ExpressionAttributeNames=names_of(condition),
                ExpressionAttributeValues=values_of(values),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == CONDITION_FAILED:
                return False
            raise
        return True

    def take(
        self, key: Mapping[str, Any], *, condition: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Item | None:
        """Delete an item and return what it was; None if there was none or `condition` did not hold."""
        arguments: dict[str, Any] = {"TableName": self.name, "Key": to_item(key), "ReturnValues": "ALL_OLD"}
        if condition is not None:
            arguments["ConditionExpression"] = condition
            arguments["ExpressionAttributeNames"] = names_of(condition)
            arguments["ExpressionAttributeValues"] = values_of(values or {})
        try:
            answer = without_conflict(lambda: self.client.delete_item(**arguments))
        except ClientError as error:
            if error.response["Error"]["Code"] == CONDITION_FAILED:
                return None
            raise
        return from_item(answer["Attributes"]) if answer.get("Attributes") else None

    def query(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """All items of a key condition (or the first `limit`), over as many pages as it takes."""
        arguments: dict[str, Any] = {"ScanIndexForward": not newest_first}
        if index is not None:
            arguments["IndexName"] = index
        return list(self._found(condition, values, arguments, limit))

    def each(
        self, condition: str, values: Mapping[str, Any], attributes: Sequence[str], *, only: str | None = None
    ) -> Iterator[Item]:
        """Some attributes of the items of a key condition, of those alone for which the filter `only` holds; no more
        than a page (1 MB) is in memory at a time."""
        arguments: dict[str, Any] = {"ProjectionExpression": ", ".join(f"#{name}" for name in attributes)}
        if only is not None:
            arguments["FilterExpression"] = only
        return self._found(condition, values, arguments)

    def _found(
        self, condition: str, values: Mapping[str, Any], more: Mapping[str, Any], limit: int | None = None
    ) -> Iterator[Item]:
        expressions = [condition, more.get("ProjectionExpression", ""), more.get("FilterExpression", "")]
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names_of(*expressions),
            "ExpressionAttributeValues": values_of(values),
            **more,
        }
        found = 0
        while True:
            if limit is not None:
                arguments["Limit"] = limit - found
            page = self.client.query(**arguments)
            yield from map(from_item, page["Items"])
            found += len(page["Items"])
            if "LastEvaluatedKey" not in page or (limit is not None and found >= limit):
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def batch_get(
        self, keys: Iterable[Mapping[str, Any]], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> list[Item]:
        """The items that exist of any number of keys, in no particular order."""
        wanted = [to_item(key) for key in keys]
        projection: dict[str, Any] = {}
        if attributes:
            projection = {
                "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
                "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            }
        items: list[Item] = []
        while wanted:
            batch, wanted = wanted[:MAX_BATCH_GET], wanted[MAX_BATCH_GET:]
            answer = self.client.batch_get_item(
                RequestItems={self.name: {"Keys": batch, "ConsistentRead": consistent, **projection}}
            )
            items.extend(from_item(item) for item in answer["Responses"].get(self.name, ()))
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", ())
            wanted.extend(left)
            if left:
                time.sleep(CONFLICT_WAIT_S * random.uniform(0.5, 1.5))
        return items

    def _note_date(self, answer: Mapping[str, Any]) -> None:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self.server_date_s = email.utils.parsedate_to_datetime(date).timestamp()


def _condition(error: ClientError) -> Exception:
    """What a failed write means: `ConditionFailed`, else the error itself."""
    response: Mapping[str, Any] = error.response
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons") or ()]
    if response["Error"]["Code"] == CONDITION_FAILED or "ConditionalCheckFailed" in reasons:
        item = response.get("Item")
        return ConditionFailed(from_item(item) if item else None)
    original: Exception = error
    return original


def is_conflict(response: Mapping[str, Any]) -> bool:
    """Whether a write was refused only because another one held its item."""
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons") or ()]
    if reasons:
        return "TransactionConflict" in reasons and PASSING_REASONS.issuperset(reasons)
    return response.get("Error", {}).get("Code") in CONFLICTS


def without_conflict(call: Callable[[], Any]) -> Any:
    """Make a write, again and again while it meets transactions on its item; waits are spread at random."""
    return _repeated(call, is_conflict)


def without_throttling(call: Callable[[], Any]) -> Any:
    """Make a write, again and again while there is no capacity for it: for clients that never repeat a call."""
    return _repeated(call, lambda response: response.get("Error", {}).get("Code") in THROTTLED)


def _repeated(call: Callable[[], Any], wrote_nothing: Callable[[Mapping[str, Any]], bool]) -> Any:
    for attempt in range(1, CONFLICT_TRIES + 1):
        try:
            return call()
        except ClientError as error:
            if attempt == CONFLICT_TRIES or not wrote_nothing(error.response):
                raise
        time.sleep(CONFLICT_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
    raise AssertionError("the last try returns or raises")
