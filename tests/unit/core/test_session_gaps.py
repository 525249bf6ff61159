"""A listener notices what it has missed: by the next message to it or by a heartbeat, and nothing else alarms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.session import TO_ALL
from lambdas.core.session_envelopes import encoded
from lambdas.core.session_history import MOST_LANGUAGES, longest_before
from lambdas.core.session_ports import Posted
from lambdas.core.session_presence import SEEN_AGAIN_MS
from tests.support.session_world import SessionWorld, opened

MINE = "pt-br"
LANGUAGES = st.sampled_from([None, MINE, "de", "fr"])


@dataclass
class Listener:
    """One that follows docs/sessions.md: it asks for a replay when it is told of a message that has not come."""

    world: SessionWorld
    id: str
    heard: list[int] = field(default_factory=list)
    last: int = 0
    asked: int = 0

    def read(self) -> None:
        """Look at what has arrived."""
        for message in self.world.gateway.received.pop(self.id, []):
            if message["type"] == "sessionJoined":
                self.last = message["sequence"]
            if message["type"] == "message":
                self._told(message["previous"].get(MINE, message["previous"].get(TO_ALL)))
                self._heard(message["sequence"])

    def beat(self) -> None:
        """Send a heartbeat."""
        answer = self.world.heartbeat(self.id)
        self._told(answer.get("sequence", 0))

    def _told(self, sequence: int) -> None:
        if sequence > self.last:
            self.asked += 1
            answer = self.world.ask(self.id, action="replay", after=self.last)
            assert answer["complete"]
            for message in self.world.gateway.received.pop(self.id):
                self._heard(message["sequence"])

    def _heard(self, sequence: int) -> None:
        if sequence not in self.heard:
            self.heard.append(sequence)
        self.last = max(self.last, sequence)


def losing(world: SessionWorld, listener: str, lost: bool, speaker: str, language: str | None) -> int:
    """Broadcast, and lose what goes to one listener."""
    real = world.gateway.post_all

    def post_all(connection_ids: Sequence[str], text: str) -> Posted:
        return real([each for each in connection_ids if each != listener or not lost], text)

    world.gateway.post_all = post_all  # type: ignore[method-assign]
    wanted: dict[str, Any] = {} if language is None else {"targetLanguage": language}
    told = world.ask(speaker, action="broadcast", payload="x", **wanted)
    world.gateway.post_all = real  # type: ignore[method-assign]
    return int(told["sequence"])


@given(before=st.lists(LANGUAGES, max_size=3), said=st.lists(st.tuples(LANGUAGES, st.booleans()), max_size=12))
def test_whoever_misses_messages_asks_for_them_and_nobody_else_does(
    before: list[str | None], said: list[tuple[str | None, bool]]
) -> None:
    world = SessionWorld()
    session_id, speaker, _ = opened(world)
    for language in before:
        losing(world, "nobody", False, speaker, language)
    listener = Listener(world, world.join(session_id, MINE))
    world.greet_all()
    listener.read()
    mine = []
    for language, lost in said:
        number = losing(world, listener.id, lost, speaker, language)
        if language in (None, MINE):
            mine.append(number)
        listener.read()
    world.now_ms += SEEN_AGAIN_MS + 1
    listener.beat()
    assert sorted(listener.heard) == mine
    assert listener.asked or not any(lost and language in (None, MINE) for language, lost in said)
    assert not listener.asked or any(lost for _, lost in said), "nobody asks in vain"


@given(st.lists(st.one_of(st.none(), st.integers(0, MOST_LANGUAGES + 5)), max_size=80))
def test_messages_in_many_languages_never_hide_one(numbers: list[int | None]) -> None:
    """Where there are more languages than a session knows, a listener may ask in vain."""
    world = SessionWorld()
    session_id, _, _ = opened(world)
    to_all, latest = 0, dict[str, int]()
    for sequence, number in enumerate(numbers, 1):
        language = None if number is None else f"de-{number:04d}"
        before = world.store.next_message(session_id, language)
        assert before is not None
        told = before.before_next(language)
        for mine in [*latest, MINE] if language is None else [language]:
            assert told.get(mine, told.get(TO_ALL, 0)) >= latest.get(mine, to_all)
        assert len(encoded(told)) <= len(encoded(longest_before(language)))
        if language is None:
            to_all, latest = sequence, {}
        else:
            latest[language] = sequence


def test_heartbeats_that_are_written_down_tell_the_last_message() -> None:
    world = SessionWorld()
    _, speaker, (german, french) = opened(world, "de", "fr")
    world.ask(speaker, action="broadcast", payload=1)
    world.ask(speaker, action="broadcast", payload=2, targetLanguage="de")
    assert "sequence" not in world.heartbeat(german)
    world.now_ms += SEEN_AGAIN_MS + 1
    told = [world.heartbeat(each)["sequence"] for each in (german, french, speaker)]
    assert told == [2, 1, 2]
    assert "sequence" not in world.heartbeat(german)
