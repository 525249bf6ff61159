"""What sessions are for, done once: each right of their functions is needed by something here."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace

from console.sessions.client import AnsweredError, ListenerClient, SpeakerClient
from lambdas.core.outputs import StackOutputs
from lambdas.core.session import Connection, Role, Session
from lambdas.core.session_presence import LOOKED_AT_EVERY_MIN, is_due
from localcloud.launch import LocalCloud
from localcloud.websocket_profile import WebSocketProfile
from tests.support.session_stack import WAITS, SessionStack, connection_id, vanish

MINUTE_MS = 60_000


def session_from_end_to_end(cloud: LocalCloud, outputs: StackOutputs, sweep: Callable[[], object]) -> None:
    """A session with everything its members do, and what the minute's look finds."""
    stack = SessionStack(cloud, outputs)
    asyncio.run(_members(stack))
    cloud.control.set_websocket_profile(WebSocketProfile())
    lost = _forgotten_sessions(stack)
    _opens_late(stack, min(stack.store.roster().active - lost))
    sweep()
    _until(lambda: not lost & stack.store.roster().active)


def _until(met: Callable[[], bool]) -> None:
    """Wait for what a function does when it comes to it."""
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.1)


async def _ask_too_often(member: ListenerClient) -> None:
    """Until it is refused: each execution environment counts for itself."""
    for _ in range(1_000):
        try:
            await member.replay(0)
        except AnsweredError as refused:
            if refused.code != "RATE_LIMITED":
                raise
            return
    raise AssertionError("a thousand replays are not too many for it")


async def _members(stack: SessionStack) -> None:
    token = await asyncio.to_thread(stack.token)
    async with (
        await SpeakerClient.create(stack.endpoint, token, "en", waits=WAITS) as speaker,
        await stack.listener(speaker.session_id) as leaves,
        await stack.listener(speaker.session_id) as vanishes,
        await stack.listener(speaker.session_id) as also_vanishes,
        await stack.listener(speaker.session_id) as moves,
        await stack.listener(speaker.session_id) as stays,
    ):
        stack.age(connection_id(moves), 4)
        await moves.heartbeat()
        stack.moved_before(connection_id(moves))
        async with await moves.moved() as moved, await leaves.moved() as leaving:
            await asyncio.wait_for(moves.closed.wait(), 30)
            await leaving.close()
            await asyncio.to_thread(_until, lambda: stack.store.connection(connection_id(leaving)) is None)
            stack.cloud.control.set_websocket_profile(WebSocketProfile(lost_disconnect_rate=1.0))
            vanish(vanishes)
            await vanishes.closed.wait()
            stack.age(connection_id(vanishes), 1)
            stack.age(connection_id(speaker), 4)
            assert (await speaker.broadcast("to who is there")).message["gone"] == 1
            vanish(also_vanishes)
            await also_vanishes.closed.wait()
            await _ask_too_often(moved)
            async with await SpeakerClient.resume(stack.endpoint, token, speaker.session_id, waits=WAITS) as again:
                await asyncio.wait_for(speaker.closed.wait(), 30)
                await again.end()
                await asyncio.wait_for(stays.ended.wait(), 30)


def _opens_late(stack: SessionStack, session_id: str) -> None:
    """A connection that API Gateway does not know yet is to be greeted again."""
    now_ms = time.time_ns() // 1_000_000
    stack.store.put_connection(
        Connection(
            id="opens-late",
            session_id=session_id,
            role=Role.LISTENER,
            opened_ms=now_ms,
            last_seen_ms=now_ms,
            language="de",
            counted=True,
        )
    )
    wanted = stack.outputs.sessions.session_notifier_function, "sqs:SendMessage"
    _until(lambda: wanted in {(each.session, each.action) for each in stack.cloud.control.decisions()})


def _forgotten_sessions(stack: SessionStack) -> set[str]:
    """A session that has expired, and for each minute one whose members are looked at in it."""
    now_ms = time.time_ns() // 1_000_000
    names = (f"forgotten-{number}" for number in itertools.count())
    expired = Session(
        id="expired-session", speaker="nobody", speaker_connection="none", source_language="en",
        created_ms=now_ms, changed_ms=now_ms, expires_s=now_ms // 1000 - 1,
    )  # fmt: skip
    stack.store.open_session(expired, 100)
    for minute in range(LOOKED_AT_EVERY_MIN):
        at_ms = now_ms + minute * MINUTE_MS
        name = next(each for each in names if is_due(each, LOOKED_AT_EVERY_MIN, at_ms))
        stack.store.open_session(replace(expired, id=name, expires_s=now_ms // 1000 + 3600), 100)
        stack.store.put_connection(
            Connection(id=f"c-{name}", session_id=name, role=Role.LISTENER, opened_ms=0, last_seen_ms=0, language="de")
        )
    return {expired.id}
