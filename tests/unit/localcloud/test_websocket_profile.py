"""The profile of WebSockets: what it takes, and what it refuses with one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.profile import ProfileError
from localcloud.websocket_profile import WebSocketProfile


def test_a_profile_is_read_back() -> None:
    profile = WebSocketProfile(seed=7, lost_disconnect_rate=0.25)
    assert WebSocketProfile.from_mapping(profile.to_mapping()) == profile
    assert WebSocketProfile.from_mapping({}) == WebSocketProfile()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lost": 1}, "has no 'lost'; it has seed, lost_disconnect_rate"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"lost_disconnect_rate": "all"}, "lost_disconnect_rate must be a number"),
        ({"lost_disconnect_rate": 1.5}, "lost_disconnect_rate must lie between 0 and 1"),
        ({"lost_disconnect_rate": -0.1}, "lost_disconnect_rate must lie between 0 and 1"),
    ],
)
def test_what_it_does_not_take(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        WebSocketProfile.from_mapping(values)
