"""Limits on frames and messages, however they come off the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypercorn.protocol.ws_stream import FrameTooLargeError
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import TextMessage

from localcloud.websocket_frames import LARGEST_FRAME, LARGEST_MESSAGE, FrameBuffer

K = 1024


def pieces(frames: list[str], size: int) -> Iterator[TextMessage]:
    """What the wire yields of a message's frames when it is read in pieces of `size` characters."""
    for number, frame in enumerate(frames):
        starts = range(0, max(len(frame), 1), size)
        for start in starts:
            ends = start + size >= len(frame)
            yield TextMessage(frame[start : start + size], ends, ends and number == len(frames) - 1)


def taken(frames: list[str], size: int) -> bool:
    buffer = FrameBuffer()
    try:
        for piece in pieces(frames, size):
            buffer.extend(piece)
    except FrameTooLargeError:
        return False
    return bool(buffer.to_message()["text"] == "".join(frames))


@given(
    st.lists(st.sampled_from([0, 1, K, 16 * K, 32 * K, 32 * K + 1]), min_size=1, max_size=6),
    st.sampled_from(["x", "é", "☃"]),
    st.sampled_from([10 * K, 33 * K, 64 * K]),
)
def test_frames_and_messages_are_measured_in_bytes(sizes: list[int], letter: str, size: int) -> None:
    frames = [letter * (length // len(letter.encode())) for length in sizes]
    lengths = [len(frame.encode()) for frame in frames]
    fits = max(lengths) <= LARGEST_FRAME and sum(lengths) <= LARGEST_MESSAGE
    assert taken(frames, size) == fits


def test_the_next_message_has_the_whole_limit_again() -> None:
    buffer = FrameBuffer()
    for _ in range(3):
        for piece in pieces(["x" * 32 * K] * 4, 64 * K):
            buffer.extend(piece)
        assert len(buffer.to_message()["text"]) == LARGEST_MESSAGE
        buffer.clear()


def test_what_comes_after_a_refusal_is_not_kept() -> None:
    buffer = FrameBuffer()
    for _ in range(100):
        with pytest.raises(FrameTooLargeError):
            buffer.extend(TextMessage("x" * 33 * K, False, False))
    assert buffer.value is None
