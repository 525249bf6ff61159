"""Sessions over WebSockets: who may open one, who listens, what reaches whom, who is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.consumers import SMALLEST_CONCURRENCY, Batching, consume_queue, consume_stream, stream_rights
from components.event_rule import RuleArgs, RuleToQueue
from components.function import Function, FunctionArgs
from components.iam import Statement
from components.platform import Platform
from components.queue import DeadLetterQueue, Queue, QueueArgs
from components.session_settings import SessionSettings
from components.table import Index, Table, TableArgs
from components.user_pool import TokenSource, UserPool
from components.websocket_api import CONNECT, DEFAULT, DISCONNECT, WebSocketApi, WebSocketApiArgs
from lambdas.core import keys
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.outputs import SESSION_STAGE, SessionOutputs
from lambdas.session_authorizer.settings import SessionAuthorizerSettings
from lambdas.session_broadcaster.settings import SessionBroadcasterSettings
from lambdas.session_connection.settings import SessionConnectionSettings
from lambdas.session_disconnect.settings import SessionDisconnectSettings
from lambdas.session_heartbeat.settings import SessionHeartbeatSettings
from lambdas.session_notifier.settings import SessionNotifierSettings
from lambdas.session_refresh.settings import SessionRefreshSettings

RATE, BURST = 10_000, 5_000
"""Of the stage; new connections are bound by the account, 500 a second (API Gateway quotas, WebSocket APIs)."""

QUICK_MEMORY_MB = 128
QUICK_TIMEOUT_SECONDS = 10
USUAL_MEMORY_MB = 256
USUAL_TIMEOUT_SECONDS = 30

BROADCASTER_MEMORY_MB = 1_769
"""A whole vCPU (Lambda developer guide, "Configure Lambda function memory"): posting to hundreds is work for one."""
BROADCASTER_TIMEOUT_SECONDS = 29
"""No longer than API Gateway waits for it."""

LOG_RETENTION_DAYS = 1
"""Whoever connects leaves lines; a day is the least that CloudWatch offers (PutRetentionPolicy, API reference)."""

NOTIFIER_TIMEOUT_SECONDS = 60
NEW_CONNECTIONS = Batching(size=10)
"""Small: somebody waits for each greeting."""
GREETINGS_AT_A_TIME = 10
"""Batches of a shard: the most there can be, for 500 connections may open in a second."""


class Sessions(pulumi.ComponentResource):
    """Three tables, seven functions and the WebSocket API before them."""

    outputs: SessionOutputs

    def __init__(
        self,
        name: str,
        platform: Platform,
        settings: SessionSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:sessions:Sessions", name, {}, opts)
        self._platform = platform
        self._settings = settings
        self._child = pulumi.ResourceOptions(parent=self)
        self._build_tables()
        self._build_sweep()
        self._tokens = self._token_source()
        self._api = WebSocketApi(
            "sessions",
            WebSocketApiArgs(thing="sessions", stage=SESSION_STAGE, rate=RATE, burst=BURST),
            platform,
            opts=self._child,
        )
        authorizer = self._build_authorizer()
        connection = self._build_connection()
        heartbeat = self._build_heartbeat()
        disconnect = self._build_disconnect()
        refresh = self._build_refresh()
        broadcaster = self._build_broadcaster()
        notifier = self._build_notifier()
        endpoint = self._api.serve(
            authorizer,
            {
                CONNECT: connection,
                DISCONNECT: disconnect,
                DEFAULT: heartbeat,
                "heartbeat": heartbeat,
                "refreshConnection": refresh,
                "broadcast": broadcaster,
                "replay": broadcaster,
                "endSession": broadcaster,
            },
        )
        texts: dict[str, Any] = {
            "websocket_api_endpoint": endpoint,
            "sessions_table": self._sessions.name,
            "connections_table": self._connections.name,
            "session_rate_limits_table": self._rate_limits.name,
            "session_user_pool_id": self._tokens.user_pool_id,
            "session_client_id": self._tokens.client_id,
            "session_sweep_queue_url": self._sweep.url,
            "session_sweep_dead_letter_queue_url": self._sweep.dead_letters.url,
            "session_notifier_dead_letter_queue_url": self._failures.url,
            "session_authorizer_function": authorizer.name,
            "session_connection_function": connection.name,
            "session_heartbeat_function": heartbeat.name,
            "session_disconnect_function": disconnect.name,
            "session_refresh_function": refresh.name,
            "session_broadcaster_function": broadcaster.name,
            "session_notifier_function": notifier.name,
        }
        self.outputs = SessionOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())

    def _build_tables(self) -> None:
        self._sessions = self._table("sessions", keys={"sessionId": "S"}, hash_key="sessionId", ttl="expiresAt")
        self._connections = self._table(
            "connections",
            keys={"connectionId": "S", "sessionId": "S", "targetLanguage": "S"},
            hash_key="connectionId",
            indexes=[Index(name=keys.LISTENERS_INDEX, hash_key="sessionId", range_key="targetLanguage")],
            stream=True,
        )
        self._rate_limits = self._table(
            "session-rate-limits", keys={"identifier": "S"}, hash_key="identifier", ttl="expiresAt"
        )

    def _table(self, thing: str, **shape: Any) -> Table:
        return Table(thing, TableArgs(thing=thing, **shape), self._platform, opts=self._child)

    def _build_sweep(self) -> None:
        tick = RuleArgs(
            thing="session-sweep", description="Starts the sweep of sessions, each minute", schedule="rate(1 minute)"
        )
        # An hour of ticks is all that is worth keeping: each sweep does the work of all that were missed.
        self._sweep = Queue(
            "session-sweep",
            QueueArgs(
                thing="session-sweep",
                consumer_timeout_seconds=NOTIFIER_TIMEOUT_SECONDS,
                max_receives=2,
                max_age_seconds=300,
                retention_seconds=3600,
                senders=[tick.sender("Tick", self._platform.site)],
            ),
            self._platform,
            opts=self._child,
        )
        RuleToQueue("session-sweep-tick", tick, self._platform, self._sweep, opts=self._child)

    def _token_source(self) -> TokenSource:
        """The pool that the settings name, else one of the stack's own."""
        if self._settings.user_pool_id is not None and self._settings.client_id is not None:
            return TokenSource(user_pool_id=self._settings.user_pool_id, client_id=self._settings.client_id)
        return UserPool("speakers", self._platform, opts=self._child).tokens

    def _build_authorizer(self) -> Function:
        return self._function(
            SessionAuthorizerSettings,
            "Verifies speakers' tokens; whoever has none may go on as a listener",
            memory_mb=QUICK_MEMORY_MB,
            timeout_seconds=QUICK_TIMEOUT_SECONDS,
            environment={
                "issuer": self._tokens.issuer(),
                "audience": self._tokens.client_id,
                "jwks_url": self._tokens.keys_url(self._platform.site.settings.endpoint_url),
                "attempts_per_minute": self._settings.attempts_per_minute,
            },
        )

    def _build_connection(self) -> Function:
        settings = self._settings
        return self._function(
            SessionConnectionSettings,
            "Opens, joins and resumes sessions, and moves connections",
            environment={
                "sessions_table": self._sessions.name,
                "connections_table": self._connections.name,
                "session_rate_limits_table": self._rate_limits.name,
                "max_active_sessions": settings.max_active_sessions,
                "max_listeners": settings.max_listeners,
                "sessions_per_hour": settings.sessions_per_hour,
                "joins_per_minute": settings.joins_per_minute,
                "attempts_per_minute": settings.attempts_per_minute,
                "session_max_hours": settings.session_max_hours,
            },
            statements=[
                # TransactWriteItems is authorised as the writes inside it.
                self._sessions.grant("EnterSessions", "GetItem", "PutItem", "UpdateItem"),
                self._connections.grant("KeepConnections", "DeleteItem", "PutItem", "UpdateItem"),
                self._rate_limits.grant("CountAttempts", "UpdateItem"),
            ],
        )

    def _build_heartbeat(self) -> Function:
        return self._function(
            SessionHeartbeatSettings,
            "Answers heartbeats and whatever no other route takes",
            memory_mb=QUICK_MEMORY_MB,
            timeout_seconds=QUICK_TIMEOUT_SECONDS,
            environment={
                **self._table_names(),
                "heartbeats_per_minute": self._settings.heartbeats_per_minute,
                "refresh_minutes": self._settings.refresh_minutes,
                "warning_minutes": self._settings.warning_minutes,
            },
            statements=[
                self._connections.grant("RenewPresence", "GetItem", "UpdateItem"),
                self._sessions.grant("ReadSession", "GetItem"),
            ],
        )

    def _build_disconnect(self) -> Function:
        return self._function(
            SessionDisconnectSettings,
            "Takes a closed connection out of its session",
            environment=self._table_names(),
            statements=[
                self._connections.grant("ForgetConnection", "DeleteItem", "UpdateItem"),
                self._sessions.grant("LeaveSession", "UpdateItem"),
            ],
        )

    def _build_refresh(self) -> Function:
        return self._function(
            SessionRefreshSettings,
            "Issues the token with which a new connection takes over",
            environment={"connections_table": self._connections.name},
            statements=[self._connections.grant("IssueRefreshToken", "GetItem", "UpdateItem")],
        )

    def _build_broadcaster(self) -> Function:
        return self._function(
            SessionBroadcasterSettings,
            "Sends what speakers say to their listeners, repeats what was missed, ends sessions",
            memory_mb=BROADCASTER_MEMORY_MB,
            timeout_seconds=BROADCASTER_TIMEOUT_SECONDS,
            reserved_concurrency=self._settings.reserved_broadcasts,
            environment={**self._table_names(), "management_url": self._api.management_url},
            statements=[
                self._sessions.grant("SpeakInSession", "BatchGetItem", "GetItem", "UpdateItem"),
                self._connections.grant("FindConnections", "BatchGetItem", "DeleteItem", "GetItem", "UpdateItem"),
                self._connections.grant_index("FindListeners", keys.LISTENERS_INDEX),
                self._api.manage("PostToListeners"),
            ],
        )

    def _build_notifier(self) -> Function:
        self._failures = failures = DeadLetterQueue(
            "session-notifier-failures", "session-notifier-dlq", self._platform, opts=self._child
        )
        notifier = self._function(
            SessionNotifierSettings,
            "Greets new connections, and each minute finds those that were lost",
            timeout_seconds=NOTIFIER_TIMEOUT_SECONDS,
            environment={
                **self._table_names(),
                "management_url": self._api.management_url,
                "session_sweep_queue_url": self._sweep.url,
                "max_listeners": self._settings.max_listeners,
                "refresh_minutes": self._settings.refresh_minutes,
                "warning_minutes": self._settings.warning_minutes,
            },
            statements=[
                self._sessions.grant("SweepSessions", "BatchGetItem", "GetItem", "UpdateItem"),
                self._connections.grant("SweepConnections", "BatchGetItem", "DeleteItem", "GetItem", "UpdateItem"),
                self._connections.grant_index("FindListeners", keys.LISTENERS_INDEX),
                self._api.manage("PostToConnections"),
                stream_rights(self._connections),
                failures.send("ReportFailures"),
                self._sweep.consume("ConsumeTicks"),
                self._sweep.send("GreetAgain"),
            ],
        )
        consume_stream(
            "session-notifier-mapping",
            parent=self,
            platform=self._platform,
            function=notifier,
            table=self._connections,
            batching=NEW_CONNECTIONS,
            retries=3,
            failures=failures,
            events=["INSERT"],
            parallel=GREETINGS_AT_A_TIME,
        )
        consume_queue(
            "session-sweep-mapping",
            parent=self,
            platform=self._platform,
            function=notifier,
            queue=self._sweep,
            batching=Batching(size=1),
            concurrency=SMALLEST_CONCURRENCY,
        )
        return notifier

    def _table_names(self) -> dict[str, pulumi.Input[object]]:
        return {"sessions_table": self._sessions.name, "connections_table": self._connections.name}

    def _function(
        self,
        settings: type[FunctionEnvironment],
        description: str,
        *,
        environment: Mapping[str, pulumi.Input[object]],
        statements: list[Statement] | None = None,
        memory_mb: int = USUAL_MEMORY_MB,
        timeout_seconds: int = USUAL_TIMEOUT_SECONDS,
        reserved_concurrency: int | None = None,
    ) -> Function:
        args = FunctionArgs(
            settings=settings,
            description=description,
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
            environment=environment,
            statements=statements or [],
            log_retention_days=LOG_RETENTION_DAYS,
            reserved_concurrency=reserved_concurrency,
        )
        return Function(args.thing, args, self._platform, opts=self._child)
