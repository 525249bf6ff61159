"""Posting to WebSocket connections over real sockets: what each answer means, and that one does not hold up another."""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from lambdas.adapters import connections_api
from lambdas.adapters.aws import ConfigurationError
from lambdas.adapters.connections_api import WRAP_UP_S, ConnectionsApi
from lambdas.adapters.logs import Log
from lambdas.core.session_ports import PostError
from lambdas.session_broadcaster.settings import SessionBroadcasterSettings

LOG = Log(
    SessionBroadcasterSettings(
        environment="local", stack="local", project="p", sessions_table="s", connections_table="c", management_url="u"
    )
)
BREAK = 0
"""Instead of a status: the connection is broken off."""


@dataclass
class Management:
    """A stage's @connections: answers by connection id, 200 where none is set; the last of several is repeated."""

    url: str = ""
    answers: dict[str, list[int]] = field(default_factory=dict)
    received: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    headers: list[dict[str, str]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    hold: Callable[[str], None] = lambda connection_id: None


@pytest.fixture
def management(monkeypatch: pytest.MonkeyPatch) -> Iterator[Management]:
    there = Management()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection_id = unquote(self.path.rpartition("/")[2])
            there.calls[f"{self.command} {self.path}"] += 1
            there.headers.append({name.lower(): value for name, value in self.headers.items()})
            there.hold(connection_id)
            statuses = there.answers.get(connection_id, [200])
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            if status == BREAK:
                self.close_connection = True
                return
            if status == 200:
                there.received[connection_id].append(body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_DELETE = _answer

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there.url = f"http://127.0.0.1:{server.server_port}/prod"
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENVIRONMENT", "local")
    monkeypatch.setattr(connections_api, "RETRY_WAIT_S", 0.001)
    yield there
    server.shutdown()
    server.server_close()


def test_each_connection_has_its_own_answer(management: Management, capsys: pytest.CaptureFixture[str]) -> None:
    management.answers = {"gone": [410], "busy": [429, 200], "down": [500], "broken": [BREAK, 200], "denied": [403]}
    api = ConnectionsApi(management.url, LOG, width=4)
    posted = api.post_all(["there=", "gone", "busy", "down", "broken", "denied"], "hello \u00e9")
    assert list(posted.reached) == ["there=", "busy", "broken"]
    assert list(posted.gone) == ["gone"]
    assert list(posted.failed) == ["down", "denied"]
    assert management.received["there="] == ["hello \u00e9".encode()]
    assert management.calls["POST /prod/@connections/denied"] == 1, "what is forbidden stays so"
    assert management.calls["POST /prod/@connections/down"] == connections_api.TRIES
    assert json.loads(capsys.readouterr().out)["statuses"] == {"500": 1, "403": 1}


def test_nothing_is_posted_that_would_not_end_in_the_functions_time(management: Management) -> None:
    api = ConnectionsApi(management.url, LOG, width=2)
    assert not api.out_of_time()
    api.begin(WRAP_UP_S)
    assert api.out_of_time()
    assert list(api.post_all(["a", "b"], "x").failed) == ["a", "b"]
    with pytest.raises(PostError, match="answered nothing"):
        api.post("a", "x")
    assert not management.calls
    api.begin(WRAP_UP_S + 60)
    assert not api.out_of_time()
    assert api.post("a", "x")


def test_one_post_says_gone_or_raises(management: Management) -> None:
    management.answers = {"gone": [410], "down": [503]}
    api = ConnectionsApi(management.url, LOG, width=1)
    assert api.post("there", "x")
    assert not api.post("gone", "x")
    with pytest.raises(PostError, match="answered 503"):
        api.post("down", "x")


def test_calls_are_signed_and_ids_escaped(management: Management) -> None:
    ConnectionsApi(management.url, LOG, width=1).post("a/b=?", "x")
    assert list(management.calls) == ["POST /prod/@connections/a%2Fb%3D%3F"]
    (headers,) = management.headers
    assert "/us-east-1/execute-api/aws4_request" in headers["authorization"]


def test_a_slow_connection_holds_up_nobody(management: Management) -> None:
    others, done = threading.Barrier(10), threading.Event()

    def hold(connection_id: str) -> None:
        if connection_id == "slow":
            assert done.wait(20)
        elif others.wait(20) == 0:
            done.set()

    management.hold = hold
    posted = ConnectionsApi(management.url, LOG, width=11).post_all(["slow", *(f"c{n}" for n in range(10))], "x")
    assert len(posted.reached) == 11


def test_everybody_has_a_first_try_before_anybody_has_a_second(management: Management) -> None:
    slow = [f"slow-{n}" for n in range(20)]
    management.answers = {each: [429] for each in slow[:-1]} | {slow[-1]: [429, 200]}
    ids = [each for pair in zip(slow, (f"reads-{n}" for n in range(20)), strict=True) for each in pair]
    order: list[str] = []
    management.hold = order.append
    posted = ConnectionsApi(management.url, LOG, width=4).post_all(ids, "x")
    assert set(order[:40]) == set(ids), "the first pass is over all"
    assert set(order[40:]) <= set(slow)
    assert len(posted.reached) == 21
    assert list(posted.failed) == slow[:-1], "who stays refused is told so, and not closed"
    assert management.calls["POST /prod/@connections/slow-0"] == connections_api.TRIES
    assert not any(call.startswith("DELETE") for call in management.calls)


def test_what_was_not_posted_is_told_of_the_request_it_belongs_to(
    management: Management, capsys: pytest.CaptureFixture[str]
) -> None:
    management.answers = {"denied": [403]}
    LOG.begin(correlation_id="r-1", operation="broadcast")
    ConnectionsApi(management.url, LOG, width=1).post_all(["denied"], "x")
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["correlation_id"], line["operation"]) == ("not posted", "r-1", "broadcast")
    assert {"timestamp", "duration_ms", "function", "level"} <= line.keys()


def test_nobody_waits_after_the_last_try(management: Management, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("lambdas.adapters.connections_api.time.sleep", waits.append)
    management.answers = {"slow": [429], "there": [200]}
    api = ConnectionsApi(management.url, LOG, width=2)
    api.post_all(["there"], "x")
    assert waits == []
    api.post_all(["slow", "there"], "x")
    assert len(waits) == connections_api.TRIES - 1


def test_a_connection_that_was_kept_for_too_long_is_opened_again_at_once(
    management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_api, "TRIES", 1)
    api = ConnectionsApi(management.url, LOG, width=1)
    assert api.post("there", "x")
    management.answers = {"there": [BREAK, 200], "broken": [BREAK]}
    assert api.post("there", "y")
    assert management.received["there"] == [b"x", b"y"]
    with pytest.raises(PostError, match="answered 503"):
        api.post("broken", "x")
    assert management.calls["POST /prod/@connections/broken"] == 2


def test_certificate_authorities_are_read_once(management: Management, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    monkeypatch.setattr(ssl, "_create_default_https_context", counted)
    api = ConnectionsApi(management.url.replace("http:", "https:"), LOG, width=4)
    with pytest.raises(PostError):
        api.post("x", "x")
    assert len(api.post_all([f"c{n}" for n in range(20)], "x").failed) == 20
    assert len(made) == 1


def test_connections_are_closed(management: Management) -> None:
    management.answers = {"gone": [410]}
    ConnectionsApi(management.url, LOG, width=2).close_all(["there", "gone"])
    assert set(management.calls) == {"DELETE /prod/@connections/there", "DELETE /prod/@connections/gone"}


def test_the_environment_local_stays_on_this_machine(management: Management) -> None:
    with pytest.raises(ConfigurationError, match="not this machine"):
        ConnectionsApi("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", LOG)
