"""The sessions of a provisioned stack: speakers who can sign in, members, and what the tables hold."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from console.sessions.client import ListenerClient, Member, SpeakerClient, Waits
from lambdas.adapters.dynamo import Table
from lambdas.adapters.session_tables import SessionTables
from lambdas.core.outputs import StackOutputs
from lambdas.core.session_ports import Posted
from lambdas.core.session_reconciling import Look, Reconciler
from localcloud.launch import LocalCloud
from tests.support.bare_tables import dynamo

WAITS = Waits(handshake=30, greeting=30, answer=30)
JOINING_AT_A_TIME = 32


@dataclass
class SessionStack:
    """One stack's sessions, as clients and as tests see them."""

    cloud: LocalCloud
    outputs: StackOutputs
    store: SessionTables = field(init=False)
    connections: Table = field(init=False)

    def __post_init__(self) -> None:
        client, names = dynamo(self.cloud), self.outputs.sessions
        self.connections = Table(client, names.connections_table)
        self.store = SessionTables(Table(client, names.sessions_table), self.connections)

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return self.outputs.sessions.websocket_api_endpoint

    def token(self) -> str:
        """The ID token of a new speaker."""
        cognito, pool = self.cloud.client("cognito-idp"), self.outputs.sessions.session_user_pool_id
        name, password = f"speaker-{uuid.uuid4().hex[:8]}@example.com", f"Aa1!{secrets.token_urlsafe(16)}"
        user = {"UserPoolId": pool, "Username": name}
        cognito.admin_create_user(**user, TemporaryPassword=password, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**user, Password=password, Permanent=True)
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=self.outputs.sessions.session_client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        return str(answer["AuthenticationResult"]["IdToken"])

    async def speaker(self) -> SpeakerClient:
        """A new speaker with a session of its own."""
        token = await asyncio.to_thread(self.token)
        return await SpeakerClient.create(self.endpoint, token, "en", waits=WAITS)

    async def listener(self, session_id: str, language: str = "de") -> ListenerClient:
        """A new listener."""
        return await ListenerClient.join(self.endpoint, session_id, language, waits=WAITS)

    async def listeners(self, session_id: str, languages: Sequence[str]) -> list[ListenerClient]:
        """A listener for each of `languages`, so many at a time."""
        turns = asyncio.Semaphore(JOINING_AT_A_TIME)

        async def join(language: str) -> ListenerClient:
            async with turns:
                return await self.listener(session_id, language)

        return list(await asyncio.gather(*(join(language) for language in languages)))

    @asynccontextmanager
    async def session(self, *languages: str) -> AsyncIterator[tuple[SpeakerClient, list[ListenerClient]]]:
        """A session with its listeners, ended at the end."""
        async with await self.speaker() as speaker:
            listeners = await self.listeners(speaker.session_id, languages)
            try:
                yield speaker, listeners
            finally:
                if not (speaker.closed.is_set() or speaker.ended.is_set()):
                    await speaker.end()
                await asyncio.gather(*(listener.close() for listener in listeners))

    def age(self, connection_id: str, minutes: float) -> None:
        """Make a connection so much older."""
        milliseconds = -int(minutes * 60_000)
        values = {"older": milliseconds}
        self.connections.update({"connectionId": connection_id}, "ADD #openedAt :older, #lastSeenAt :older", values)

    def moved_before(self, connection_id: str) -> None:
        """Let a connection have moved once before, to one that has never opened."""
        values = {"successor": "never-opened"}
        self.connections.update({"connectionId": connection_id}, "SET #successor = :successor", values)

    def look(self, minutes_ahead: float = 0.0) -> Look:
        """The minute's look at all sessions, as it will be in a while."""
        posting = _Unreachable()
        reconciler = Reconciler(
            self.store, posting, lambda: int((time.time() + 60 * minutes_ahead) * 1000), every_min=1
        )
        return reconciler.look(reconciler.census())


class _Unreachable:
    """Posting from where nothing can be posted: whoever is left over is gone."""

    def post(self, connection_id: str, text: str) -> bool:
        return False

    def post_all(self, connection_ids: Sequence[str], text: str) -> Posted:
        return Posted(gone=connection_ids)

    def close_all(self, connection_ids: Sequence[str]) -> None:
        return

    def out_of_time(self) -> bool:
        return False


def vanish(member: Member) -> None:
    """Break a connection off, without a close frame."""
    member._socket.transport.abort()


def stop_reading(member: Member) -> None:
    """Leave everything that is sent to a member in the buffers of its socket, which are small."""
    transport = member._socket.transport
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    transport.pause_reading()


def connection_id(member: Member) -> str:
    """What its greeting calls a member's connection."""
    return str(member.greeting["connectionId"])
