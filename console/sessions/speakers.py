"""A speaker for a while: a user of the stack's pool who is made for one trial and goes with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

if TYPE_CHECKING:
    from console.sources.clients import Clients
    from lambdas.core.outputs import SessionOutputs

MAX_TOKEN_BYTES = 16_384
"""More than a JSON web token has; it must fit a query string."""
DOMAIN = "example.com"
"""Reserved for examples (RFC 2606), so that nobody could be written to."""
PASSWORD_ENDS = "aA1!"  # noqa: S105 - what the pool's rules want of every password, beside a secret


def token_of(path: Path) -> str:
    """A token out of a file; raises `ConsoleError` for a file that holds none."""
    try:
        token = path.read_bytes()[: MAX_TOKEN_BYTES + 1].decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{safe_line(path, 200)} has no token ({why})", "put a Cognito ID token into it"
        ) from error
    if not token or len(token) > MAX_TOKEN_BYTES or any(each.isspace() for each in token):
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{safe_line(path, 200)} has no token", "put one Cognito ID token into it"
        )
    return token


@contextmanager
def temporary_speaker(clients: Clients, outputs: SessionOutputs, told: Callable[[str], None]) -> Iterator[str]:
    """The ID token of a user who is deleted at the end, however it comes; `told` hears of one that is left.

    Nobody is written to: the invitation is suppressed, the password is set and never shown (AdminCreateUser,
    AdminSetUserPassword, AdminInitiateAuth with ADMIN_USER_PASSWORD_AUTH; Cognito user pools API reference).
    """
    cognito: Any = clients.client("cognito-idp")
    pool, name = outputs.session_user_pool_id, f"session-test-{secrets.token_hex(8)}@{DOMAIN}"
    password = secrets.token_urlsafe(24) + PASSWORD_ENDS
    try:
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            TemporaryPassword=password,
            UserAttributes=[{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}],
        )
    except BaseException as error:
        if not hasattr(error, "response"):  # an answer that is lost on its way leaves a user as well
            _delete(cognito, pool, name, told)
        raise
    try:
        yield _signed_in(cognito, outputs, name, password)
    finally:
        _delete(cognito, pool, name, told)


def _signed_in(cognito: Any, outputs: SessionOutputs, name: str, password: str) -> str:
    pool = outputs.session_user_pool_id
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=outputs.session_client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    token = (answer.get("AuthenticationResult") or {}).get("IdToken")
    if not token:
        asks = safe_line(answer.get("ChallengeName", "nothing"), 60)
        raise ConsoleError(
            ProblemKind.FORBIDDEN,
            f"the pool {pool} asks the temporary speaker for {asks}",
            "sign somebody in by hand, and give the ID token with --token-file",
        )
    return str(token)


def _delete(cognito: Any, pool: str, name: str, told: Callable[[str], None]) -> None:
    try:
        cognito.admin_delete_user(UserPoolId=pool, Username=name)
    except BaseException as error:
        if type(error).__name__ == "UserNotFoundException":
            return
        told(
            f"the temporary speaker {name} is left in the pool {pool}; delete it with "
            f"`aws cognito-idp admin-delete-user --user-pool-id {pool} --username {name}`"
        )
        if not isinstance(error, Exception):
            raise
