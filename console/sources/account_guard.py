"""No write with credentials of another account than the stack's: what is done would be done to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

if TYPE_CHECKING:
    from console.sources.clients import Clients

READS = ("Get", "List", "Describe", "Query", "BatchGet", "Filter", "Head", "ReceiveMessage", "ChangeMessageVisibility")
"""Beginnings of the operations that change nothing of a stack; a look into a queue holds its messages back and gives
them free again. Every other operation is a write."""


def caller(clients: Clients) -> tuple[str, str]:
    """Account id and ARN of the credentials in use."""
    identity = clients.client("sts").get_caller_identity()
    return safe_line(identity["Account"], 20), safe_line(identity["Arn"], 200)


class AccountGuard:
    """Asks STS whose credentials are in use, once for each access key: a key belongs to one account for ever.

    Credentials change under a running console, by a login or because a role's are renewed, so that the answer at the
    start is not enough.
    """

    def __init__(self, clients: Clients, stack: str, account_id: str) -> None:
        self._clients = clients
        self._stack = stack
        self._account_id = account_id
        self._checked = ""

    def require(self) -> None:
        """Raises `ConsoleError` of the kind CREDENTIALS where they are another account's."""
        key = str(self._clients.credentials().access_key)
        if key == self._checked:
            return
        account, _ = caller(self._clients)
        if account != self._account_id:
            raise ConsoleError(
                ProblemKind.CREDENTIALS,
                f"the credentials belong to account {account}, the stack {self._stack} to {self._account_id}",
                "choose the right profile with --profile; nothing was done",
            )
        self._checked = key

    def before_call(self, model: Any, **_: Any) -> None:
        """botocore's event before each operation of a client."""
        if not str(model.name).startswith(READS):
            self.require()
