"""How WebSockets end: what `$disconnect` hears of it, limits of time, and the end of the cloud."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from localcloud import launch
from localcloud.websocket_profile import WebSocketProfile
from tests.cloud.conftest import DeployFunction, WaitUntil
from tests.cloud.socket_api import SocketApi, said

TELLS = """
import json
def handler(event, context):
    print("heard " + json.dumps(event["requestContext"]))
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}
"""


class Heard:
    """What the `$disconnect` function was told."""

    def __init__(self, cloud: launch.LocalCloud, function: str) -> None:
        self._logs = cloud.client("logs")
        self._group = f"/aws/lambda/{function}"

    def __call__(self) -> list[dict[str, Any]]:
        try:
            events = self._logs.filter_log_events(logGroupName=self._group, filterPattern="heard")["events"]
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        found = (json.loads(each["message"].partition("heard ")[2]) for each in events)
        return [context for context in found if context["routeKey"] == "$disconnect"]


@pytest.fixture
def heard(bare_cloud: launch.LocalCloud, socket_api: SocketApi, deploy_function: DeployFunction) -> Heard:
    """Hears of every end of a connection to the API."""
    name = deploy_function(TELLS)
    socket_api.route("$disconnect", name)
    return Heard(bare_cloud, name)


def closed(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as ended:
        client.recv(timeout=30)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


def test_disconnect_hears_who_left_and_how(socket_api: SocketApi, heard: Heard, wait_until: WaitUntil) -> None:
    with socket_api.connect("?who=ann") as client:
        client.close(4001, "enough")
    (context,) = wait_until(heard)
    assert (context["eventType"], context["disconnectStatusCode"], context["disconnectReason"]) == (
        "DISCONNECT",
        4001,
        "enough",
    )


def test_a_lost_client_is_1006(socket_api: SocketApi, heard: Heard, wait_until: WaitUntil) -> None:
    with socket_api.connect() as client:
        client.socket.shutdown(socket.SHUT_RDWR)
    (context,) = wait_until(heard)
    assert context["disconnectStatusCode"] == 1006


def test_too_long_a_frame_is_heard_as_1009(socket_api: SocketApi, heard: Heard, wait_until: WaitUntil) -> None:
    with socket_api.connect() as client:
        client.send("x" * 40_000)
        assert closed(client) == 1009
    (context,) = wait_until(heard)
    assert context["disconnectStatusCode"] == 1009


def test_a_deleted_connection_is_heard_as_1000(
    socket_api: SocketApi, heard: Heard, deploy_function: DeployFunction, wait_until: WaitUntil
) -> None:
    socket_api.route("$default", deploy_function(TELLS), answers=True)
    with socket_api.connect() as client:
        client.send("who am I?")
        socket_api.management().delete_connection(ConnectionId=client.recv(timeout=30))
        assert closed(client) == 1000
    (context,) = wait_until(heard)
    assert context["disconnectStatusCode"] == 1000


@pytest.fixture
def own_cloud() -> Iterator[launch.LocalCloud]:
    """A cloud whose clock the test may move, and which it may stop."""
    with launch.start(launch.LaunchOptions(provision=False)) as running:
        yield running


def test_idle_and_old_connections_are_closed_by_the_clock(own_cloud: launch.LocalCloud, unique: str) -> None:
    api = SocketApi(own_cloud, unique)
    with api.connect() as idle, api.connect() as busy:

        def pass_by(seconds: float) -> None:
            own_cloud.control.advance_clock(seconds)
            busy.send("still here")
            assert said(busy)["message"] == "Forbidden"

        pass_by(540)
        assert own_cloud.control.open_websockets() == 2
        pass_by(60)
        assert closed(idle) == 1001
        for _ in range(12):
            pass_by(540)
        own_cloud.control.advance_clock(7_200 - 600 - 12 * 540)
        assert closed(busy) == 1001


def test_a_push_keeps_a_connection_from_being_idle(own_cloud: launch.LocalCloud, unique: str) -> None:
    api = SocketApi(own_cloud, unique)
    with api.connect() as client:
        client.send("who am I?")
        id_ = said(client)["connectionId"]
        for number in range(3):
            own_cloud.control.advance_clock(540)
            api.management().post_to_connection(ConnectionId=id_, Data=str(number).encode())
        assert [client.recv(timeout=30) for _ in range(3)] == ["0", "1", "2"]
        own_cloud.control.advance_clock(600)
        assert closed(client) == 1001


def test_a_cloud_that_stops_says_goodbye(own_cloud: launch.LocalCloud, unique: str) -> None:
    api = SocketApi(own_cloud, unique)
    with ExitStack() as stack:
        clients = [stack.enter_context(api.connect()) for _ in range(20)]
        own_cloud.stop()
        assert [closed(client) for client in clients] == [1001] * 20
    assert own_cloud.exit_code == 0


def leave(api: SocketApi, code: int) -> None:
    with api.connect() as client:
        client.close(code)


@pytest.mark.parametrize(("rate", "expected"), [(1.0, set()), (0.0, set(range(6)))])
def test_disconnect_can_be_made_to_get_lost(
    bare_cloud: launch.LocalCloud,
    socket_api: SocketApi,
    heard: Heard,
    wait_until: WaitUntil,
    rate: float,
    expected: set[int],
) -> None:
    bare_cloud.control.set_websocket_profile(WebSocketProfile(lost_disconnect_rate=rate))
    for code in range(4000, 4006):
        leave(socket_api, code)
    bare_cloud.control.set_websocket_profile(WebSocketProfile())
    leave(socket_api, 4999)
    wait_until(lambda: any(each["disconnectStatusCode"] == 4999 for each in heard()), what="the last $disconnect")
    wait_until(lambda: len(heard()) == len(expected) + 1, what="every $disconnect that comes")
    assert {each["disconnectStatusCode"] - 4000 for each in heard()} - {999} == expected
