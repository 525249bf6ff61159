"""A session tried out: a speaker, many listeners who come at a rate, heartbeats and broadcasts, and what that took."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.sessions.client import AnsweredError, ListenerClient, LostError, Member, SpeakerClient, Waits
from console.sessions.handshake import HandshakeRefusedError
from console.sessions.latencies import (
    CREATION_SECONDS,
    HEARTBEAT_SECONDS,
    JOIN_SECONDS,
    Latencies,
    Target,
)

SOURCE_LANGUAGE = "en"
BEAT_SECONDS = 35.0
"""Between two heartbeats of a member: two a minute are allowed, and a late one must not meet the next in one minute."""
DELIVERY_SECONDS = 10.0
"""After the acknowledgement of a broadcast; what has not come by then counts as lost."""
ENDING_SECONDS = 10.0

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is tried: so many listeners, `ramp` of them a second, who take turns on `languages`."""

    listeners: int
    ramp: float
    languages: tuple[str, ...]
    broadcasts: int


@dataclass(slots=True)
class Course:
    """What has come of it so far, in seconds; `troubles` counts by sentence what went wrong.

    `expected` messages were to reach listeners, of which `lost` did not come and `doubled` came again. `broken` is why
    it ended before its time, `left` what it has left behind.
    """

    session_id: str = ""
    creation: list[float] = field(default_factory=list)
    handshakes: list[float] = field(default_factory=list)
    joins: list[float] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    acknowledgements: list[float] = field(default_factory=list)
    deliveries: list[float] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    dropped: int = 0
    expected: int = 0
    doubled: int = 0
    broadcasts: int = 0
    ended: bool = False
    broken: str = ""
    left: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Messages that should have come and did not."""
        return self.expected - len(self.deliveries)

    def targets(self) -> tuple[Target, ...]:
        """The platform's targets with what was measured."""
        return tuple(
            Target(name, limit, Latencies.of(seconds).p95)
            for name, limit, seconds in (
                ("creation", CREATION_SECONDS, self.creation),
                ("join", JOIN_SECONDS, self.joins),
                ("heartbeat", HEARTBEAT_SECONDS, self.heartbeats),
            )
        )

    def passed(self, wish: Wish) -> bool:
        """Whether everybody came, everything arrived once, and all targets were met."""
        whole = len(self.joins) == wish.listeners and self.broadcasts == wish.broadcasts and not self.broken
        faults = self.lost or self.doubled or self.dropped or self.troubles or self.left
        return whole and not faults and all(target.met for target in self.targets())

    def note(self, error: ConsoleError) -> None:
        """One thing more that went wrong."""
        self.troubles[str(error.problem)] += 1


@dataclass(slots=True)
class _Seat:
    """A listener with the sequence numbers that have reached it, and when."""

    listener: ListenerClient
    heard: dict[int, float] = field(default_factory=dict)


class Trial:
    """One trial; `course` holds what is known of it whenever and however it ends. `told` hears of its stages."""

    def __init__(
        self,
        endpoint: str,
        wish: Wish,
        told: Told,
        *,
        waits: Waits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        delivery: float = DELIVERY_SECONDS,
    ) -> None:
        self.course = Course()
        self._endpoint = endpoint
        self._wish = wish
        self._told = told
        self._waits = waits or Waits()
        self._monotonic = monotonic
        self._delivery = delivery
        self._seats: list[_Seat] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard: Counter[int] = Counter()
        self._changed = asyncio.Event()

    async def run(self, token: str) -> Course:
        """Open, fill, speak and end the session; raises `ConsoleError` where none could be opened.

        However it ends, by cancellation too, the session is ended and all connections are closed.
        """
        speaker = await SpeakerClient.create(
            self._endpoint, token, SOURCE_LANGUAGE, waits=self._waits, monotonic=self._monotonic
        )
        self.course.session_id = speaker.session_id
        self.course.creation.append(speaker.greeted)
        self._told(f"session {speaker.session_id} is open after {speaker.greeted:.2f} s")
        try:
            await self._heartbeat(speaker)
            self._begin(self._beat(speaker))
            await self._fill(speaker.session_id)
            await self._speak(speaker)
        except ConsoleError as error:
            self.course.broken = str(error.problem)
        finally:
            await self._end(speaker)
        return self.course

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _fill(self, session_id: str) -> None:
        """Let listeners come, each at its own time whatever became of those before."""
        began, coming = self._monotonic(), []
        for number in range(self._wish.listeners):
            await asyncio.sleep(began + number / self._wish.ramp - self._monotonic())
            language = self._wish.languages[number % len(self._wish.languages)]
            coming.append(self._begin(self._join(session_id, language)))
            self._told(f"{len(self._seats)} of {self._wish.listeners} listeners have joined")
        if coming:
            await asyncio.wait(coming)
        refused = f", {self.course.refused} were refused" if self.course.refused else ""
        self._told(f"{len(self._seats)} of {self._wish.listeners} listeners have joined{refused}")

    async def _join(self, session_id: str, language: str) -> None:
        try:
            listener = await ListenerClient.join(
                self._endpoint, session_id, language, waits=self._waits, monotonic=self._monotonic
            )
        except HandshakeRefusedError as error:
            self.course.refused += 1
            self.course.note(error)
            return
        except ConsoleError as error:
            self.course.note(error)
            return
        self.course.handshakes.append(listener.connected)
        self.course.joins.append(listener.greeted)
        seat = _Seat(listener)
        self._seats.append(seat)
        self._begin(self._listen(seat))
        await self._heartbeat(listener)
        self._begin(self._beat(listener))

    async def _listen(self, seat: _Seat) -> None:
        """Note each message's arrival, and whether it came before."""
        while True:
            try:
                arrival = await seat.listener.message()
            except LostError:
                if not self.course.ended:
                    self.course.dropped += 1
                self._changed.set()
                return
            sequence = arrival.message.get("sequence")
            if arrival.message.get("type") != "message" or not isinstance(sequence, int):
                continue
            if sequence in seat.heard:
                self.course.doubled += 1
            else:
                seat.heard[sequence] = arrival.at
                self._heard[sequence] += 1
                self._changed.set()

    async def _heartbeat(self, member: Member) -> None:
        try:
            self.course.heartbeats.append((await member.heartbeat()).took)
        except LostError:
            return  # whoever listens on this connection counts it
        except ConsoleError as error:
            self.course.note(error)

    async def _beat(self, member: Member) -> None:
        """Heartbeats until the connection is no more."""
        while not member.closed.is_set():
            await asyncio.sleep(BEAT_SECONDS)
            await self._heartbeat(member)

    async def _speak(self, speaker: SpeakerClient) -> None:
        for number in range(1, self._wish.broadcasts + 1):
            there = [seat for seat in self._seats if not seat.listener.closed.is_set()]
            dropped, sent = self.course.dropped, self._monotonic()
            try:
                answer = await speaker.broadcast({"text": f"broadcast {number}", "number": number})
            except AnsweredError as error:
                self.course.note(error)
                continue
            self.course.broadcasts += 1
            self.course.acknowledgements.append(answer.took)
            sequence = answer.message.get("sequence")
            if not isinstance(sequence, int):
                raise ConsoleError(ProblemKind.BAD_ANSWER, f"a broadcast was answered with {answer.type or 'nothing'}")
            await self._until_heard(there, sequence, dropped)
            heard = [seat.heard[sequence] - sent for seat in there if sequence in seat.heard]
            self.course.expected += len(there)
            self.course.deliveries += heard
            self._told(f"broadcast {number} of {self._wish.broadcasts} has reached {len(heard)} of {len(there)}")

    async def _until_heard(self, there: Sequence[_Seat], sequence: int, dropped: int) -> None:
        """Wait until it has reached all who are still there, for a while; `dropped` had been lost before."""

        def over() -> bool:
            # Counting first: with many listeners, looking at each whenever one hears would be most of the work.
            missing = len(there) - self._heard[sequence]
            return missing <= self.course.dropped - dropped and all(
                sequence in seat.heard or seat.listener.closed.is_set() for seat in there
            )

        try:
            async with asyncio.timeout(self._delivery):
                while not over():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def _end(self, speaker: SpeakerClient) -> None:
        """End the session and close what is open, within a time."""
        self.course.ended = True
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                await speaker.end()
        except ConsoleError as error:
            self._left_behind(error.problem.sentence)
        except TimeoutError:
            self._left_behind(f"no answer in {ENDING_SECONDS:g} s")
        except asyncio.CancelledError:
            self._left_behind("interrupted")
            raise
        members = [speaker, *(seat.listener for seat in self._seats)]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(member.close() for member in members), return_exceptions=True)

    def _left_behind(self, why: str) -> None:
        self.course.left.append(
            f"session {self.course.session_id} was not ended ({why}); it ends by itself a minute after its speaker"
        )
