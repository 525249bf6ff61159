"""Credentials that are renewed on this machine while the console runs, over a real socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from console.sources.clients import Clients, Target
from tests.support.json_server import JsonServer

EXPIRED = (400, {"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "expired"})
GOOD: tuple[int, dict[str, list[str]]] = (200, {"TableNames": []})


@pytest.fixture
def server() -> Iterator[JsonServer]:
    """Answers as DynamoDB does."""
    with JsonServer() as found:
        yield found


@pytest.fixture
def file(server: JsonServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared credentials file, and an environment that knows no other."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    return path


def write(file: Path, key: str) -> None:
    """What a login leaves there."""
    file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = made-up\n")


def keys(server: JsonServer) -> list[str]:
    """The access key that each request was signed with."""
    signed = (re.search(r"Credential=(\w+)/", headers["Authorization"]) for _, _, headers, _ in server.received)
    return [found[1] for found in signed if found is not None]


def test_what_lies_in_the_file_after_an_expiry_is_used_without_a_restart(server: JsonServer, file: Path) -> None:
    server.replies = [EXPIRED, EXPIRED, GOOD]
    write(file, "AKIDOLD")
    clients = Clients(Target("us-east-1"))
    for _ in range(2):
        with pytest.raises(ClientError, match="ExpiredToken"):
            clients.client("dynamodb").list_tables()
    write(file, "AKIDNEW")
    assert clients.client("dynamodb").list_tables()["TableNames"] == []
    assert keys(server) == ["AKIDOLD", "AKIDOLD", "AKIDNEW"]
    assert clients.credentials().access_key == "AKIDNEW"


def test_other_failures_keep_the_clients(server: JsonServer, file: Path) -> None:
    server.replies = [(400, {"__type": "com.amazonaws.dynamodb#AccessDeniedException", "message": "no"}), GOOD]
    write(file, "AKIDOLD")
    clients = Clients(Target("us-east-1"))
    client = clients.client("dynamodb")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_tables()
    assert clients.client("dynamodb") is client


def test_credentials_that_were_not_there_are_found_once_they_are(server: JsonServer, file: Path) -> None:
    server.replies = [GOOD]
    clients = Clients(Target("us-east-1"))
    with pytest.raises(NoCredentialsError):
        clients.client("dynamodb").list_tables()
    write(file, "AKIDNEW")
    clients.client("dynamodb").list_tables()
    assert keys(server) == ["AKIDNEW"]
