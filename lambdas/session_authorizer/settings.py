"""Environment of the session authorizer function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAuthorizerSettings(FunctionEnvironment):
    """What verifying speakers' tokens needs.

    `issuer` and `audience` (the app client) are what an ID token must name; its keys are read from `jwks_url`. One
    source address may show `attempts_per_minute` tokens.
    """

    FUNCTION: ClassVar[str] = "session_authorizer"

    issuer: str
    audience: str
    jwks_url: str
    attempts_per_minute: int
