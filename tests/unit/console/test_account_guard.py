"""The guard before writes: whose credentials are in use is asked again whenever they change, and only then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from console.domain import ConsoleError
from console.sources.account_guard import AccountGuard

STACK_ACCOUNT = "111111111111"


class Session:
    """Credentials of some account, and how often STS was asked whose they are."""

    def __init__(self) -> None:
        self.key, self.asked = "AKIA1", 0
        self.accounts = {"AKIA1": STACK_ACCOUNT, "AKIA2": "222222222222", "AKIA3": STACK_ACCOUNT}

    def credentials(self) -> Any:
        return SimpleNamespace(access_key=self.key)

    def client(self, service: str) -> Any:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        self.asked += 1
        return {"Account": self.accounts[self.key], "Arn": "arn:aws:iam::x:user/y"}


def call(guard: AccountGuard, operation: str) -> None:
    guard.before_call(SimpleNamespace(name=operation), params={})


def test_a_write_with_another_accounts_credentials_is_refused_until_they_are_right_again() -> None:
    session = Session()
    guard = AccountGuard(session, "dev", STACK_ACCOUNT)  # type: ignore[arg-type]
    call(guard, "SendMessageBatch")
    call(guard, "DeleteMessageBatch")
    assert session.asked == 1
    session.key = "AKIA2"
    for operation in ("SendMessageBatch", "PutItem", "CreateProtectConfiguration", "SendTextMessage"):
        with pytest.raises(ConsoleError, match="belong to account 222222222222, the stack dev to 111111111111"):
            call(guard, operation)
    for operation in ("GetItem", "Query", "DescribeAlarms", "ListQueues", "ReceiveMessage", "FilterLogEvents"):
        call(guard, operation)
    session.key = "AKIA3"
    call(guard, "SendMessageBatch")
