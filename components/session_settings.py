"""Settings of sessions over WebSockets."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

CONNECTION_MINUTES = 120
"""How long API Gateway keeps a WebSocket connection (API Gateway quotas, WebSocket APIs)."""

UserPoolId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]_[0-9A-Za-z]{1,36}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[\w+]{1,128}$")]
"""Forms of the ids (Cognito user pools API reference, UserPoolClientType)."""


class SessionSettings(BaseModel):
    """How many sessions and listeners there may be, how often callers may ask, and whose users the speakers are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_active_sessions: int = Field(
        default=100, ge=1, le=1_000, description="sessions that are open at the same time; their ids share one item"
    )
    max_listeners: int = Field(
        default=500, ge=1, le=2_000, description="listeners of a session, all of which one invocation must reach"
    )
    sessions_per_hour: int = Field(default=50, ge=1, le=100_000, description="sessions that one speaker may open")
    joins_per_minute: int = Field(default=10, ge=1, le=1_000_000, description="joins from one source address")
    attempts_per_minute: int = Field(
        default=20, ge=1, le=1_000_000, description="connection attempts from one source address, joins among them"
    )
    heartbeats_per_minute: int = Field(default=2, ge=1, le=600, description="heartbeats of one connection")
    reserved_broadcasts: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="broadcasts and replays at a time, taken out of the account's functions",
    )
    session_max_hours: int = Field(default=12, ge=1, le=72, description="how long a session may last")
    refresh_minutes: int = Field(
        default=100, ge=1, lt=CONNECTION_MINUTES, description="age at which a connection is asked to move to a new one"
    )
    warning_minutes: int = Field(
        default=105, ge=1, lt=CONNECTION_MINUTES, description="age at which one that has not moved is warned"
    )
    user_pool_id: UserPoolId | None = Field(
        default=None, description="an existing Cognito user pool of the speakers; the stack has its own without it"
    )
    client_id: ClientId | None = Field(default=None, description="the app client in that pool")

    @model_validator(mode="after")
    def _warning_after_refresh(self) -> Self:
        if self.refresh_minutes >= self.warning_minutes:
            raise ValueError(
                f"refresh_minutes ({self.refresh_minutes}) must be less than warning_minutes ({self.warning_minutes})"
            )
        return self

    @model_validator(mode="after")
    def _pool_with_client(self) -> Self:
        if (self.user_pool_id is None) != (self.client_id is None):
            raise ValueError("give user_pool_id and client_id of an existing pool, or neither")
        return self
