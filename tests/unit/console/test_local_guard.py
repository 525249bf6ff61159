"""In the environment `local` nothing can reach AWS, whatever the machine's configuration says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from console.campaigns import make_request
from console.domain import ConsoleError
from console.sources.api import HttpCampaignApi
from console.sources.clients import Clients, Target, local_target, require_loopback

ACCOUNT = "000000000000"


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Real-looking credentials, a profile, a configuration file and a proxy: all of them must be without effect."""
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\nendpoint_url = https://example.com\n")
    credentials = tmp_path / "credentials"
    credentials.write_text("[work]\naws_access_key_id = AKIAREALREALREAL0001\naws_secret_access_key = real\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREAL0002",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "realtoken",
        "AWS_PROFILE": "work",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_ENDPOINT_URL": "https://example.com",
        "HTTP_PROXY": "http://192.0.2.1:3128",
        "http_proxy": "http://192.0.2.1:3128",
        "ALL_PROXY": "http://192.0.2.1:3128",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that a socket was connected to."""
    hosts: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        hosts.append(address[0])
        if address[0] != "127.0.0.1":
            raise AssertionError(f"a call left the machine: {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return hosts


class Recorder(HTTPServer):
    """Answers everything with `{}` and keeps the Authorization headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authorizations: list[str] = []
        self.tokens: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        self.server.authorizations.append(self.headers["Authorization"])
        self.server.tokens.append(self.headers["X-Amz-Security-Token"])
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("hostile_environment")
def test_every_client_speaks_to_this_machine_with_the_stacks_own_keys(recorder: Recorder, connects: list[str]) -> None:
    clients = Clients(local_target(recorder.url, ACCOUNT, "us-east-1"))
    clients.client("cloudwatch").describe_alarms()
    clients.client("dynamodb").list_tables()
    clients.client("ssm").get_parameters_by_path(Path="/x")
    clients.client("pinpoint-sms-voice-v2").describe_account_attributes()
    api = HttpCampaignApi(f"{recorder.url}/_aws/execute-api/abc/$default", "local", clients)
    with pytest.raises(ConsoleError, match="answer"):
        api.plan(make_request(1, 1))
    assert set(connects) == {"127.0.0.1"}
    assert len(recorder.authorizations) == 5
    assert all(f"Credential={ACCOUNT}/" in header for header in recorder.authorizations)
    assert recorder.tokens == [None] * 5


@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://localhost.evil.example:4566",
        "http://localhost:4566",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://user:secret@127.0.0.1:4566",
        "http://2130706433:4566",
        "http://0.0.0.0:4566",
        "https://127.0.0.1:4566",
        "ftp://127.0.0.1:4566",
        "127.0.0.1:4566",
        "",
    ],
)
def test_anything_but_a_loopback_address_is_refused(url: str) -> None:
    with pytest.raises(ConsoleError, match="embedded cloud"):
        require_loopback(url)


def test_local_without_an_endpoint_is_an_error() -> None:
    with pytest.raises(ConsoleError, match="no endpoint"):
        local_target("", ACCOUNT, "us-east-1")
    with pytest.raises(ConsoleError, match="12 digits"):
        local_target("http://127.0.0.1:4566", "AKIAREALREALREAL0001", "us-east-1")


def test_ipv6_loopback_is_this_machine() -> None:
    assert require_loopback("http://[::1]:4566/") == "http://[::1]:4566"


def test_the_api_of_a_local_stack_must_be_here_and_of_a_deployed_one_https() -> None:
    local = Clients(local_target("http://127.0.0.1:4566", ACCOUNT, "us-east-1"))
    with pytest.raises(ConsoleError, match="embedded cloud"):
        HttpCampaignApi("https://abc.execute-api.us-east-1.amazonaws.com", "local", local)
    with pytest.raises(ConsoleError, match="https"):
        HttpCampaignApi("http://abc.execute-api.us-east-1.amazonaws.com", "dev", Clients(Target("us-east-1")))
