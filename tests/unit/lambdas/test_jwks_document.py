"""Where the user pool's keys come from: one address, over TLS, nothing followed, nothing endless."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from lambdas.adapters import jwks_document
from lambdas.adapters.jwks_document import MOST_BYTES, InsecureAddressError, JwksDocument
from lambdas.core.jwks import FRESH_S, JwksError, KeyCache
from tests.support.id_tokens import jwk, jwks, private_key
from tests.support.json_server import JsonServer

PATH = "/us-east-1_Example1/.well-known/jwks.json"


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with JsonServer() as running:
        yield running


@pytest.fixture
def document(server: JsonServer) -> JwksDocument:
    return JwksDocument(server.url + PATH, environment="local")


def test_the_document_is_read_as_it_is(server: JsonServer, document: JwksDocument) -> None:
    server.replies = [(200, b'{"keys": []}\n')]
    assert document.read() == b'{"keys": []}\n'
    assert [(method, path) for method, path, _, _ in server.received] == [("GET", PATH)]


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 404, 429, 500, 503])
def test_another_status_brings_nothing_and_leads_nowhere(
    server: JsonServer, document: JwksDocument, status: int
) -> None:
    with JsonServer() as elsewhere:
        server.replies = [(status, b"{}")]
        server.headers = {"Location": elsewhere.url + PATH}
        with pytest.raises(JwksError, match=f"answered with {status}"):
            document.read()
        assert elsewhere.received == []
    assert len(server.received) == 1


def test_a_long_document_is_not_read_to_its_end(server: JsonServer, document: JwksDocument) -> None:
    server.replies = [(200, b" " * MOST_BYTES)]
    assert len(document.read()) == MOST_BYTES
    server.replies = [(200, b" " * (MOST_BYTES + 1))]
    with pytest.raises(JwksError, match="longer than"):
        document.read()


def test_a_server_that_hangs_up_is_away(server: JsonServer, document: JwksDocument) -> None:
    server.replies = [(0, None)]
    with pytest.raises(JwksError, match="not reachable"):
        document.read()


def test_a_server_that_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_document, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(JwksError, match=r"not reachable \(TimeoutError\)"):
            JwksDocument(f"http://127.0.0.1:{port}/", environment="local").read()
    with pytest.raises(JwksError, match=r"not reachable \(ConnectionRefusedError\)"):
        JwksDocument(f"http://127.0.0.1:{port}/", environment="local").read()


def test_a_document_that_trickles_is_given_up(server: JsonServer) -> None:
    server.replies = [(200, b"{}")]
    hours = itertools.count(0, 3_600)
    document = JwksDocument(server.url, environment="local", monotonic=lambda: float(next(hours)))
    with pytest.raises(JwksError, match="too slow"):
        document.read()


def test_headers_that_trickle_are_given_up_and_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_document, "DEADLINE_S", 0.2)
    hung_up = threading.Event()

    def trickle() -> None:
        talk, _ = listening.accept()
        with talk, contextlib.suppress(OSError):
            talk.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not hung_up.wait(0.02):
                talk.sendall(b"a")
        hung_up.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        with pytest.raises(JwksError, match="too slow"):
            JwksDocument(f"http://127.0.0.1:{listening.getsockname()[1]}/", environment="local").read()
        assert hung_up.wait(20)
        thread.join()


def test_known_keys_serve_while_the_name_of_their_server_is_looked_up(
    server: JsonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a lookup that hangs nor a name of many dead addresses keeps a token waiting, or costs the keys."""
    server.replies = [(200, jwks(jwk("one")))]
    failures: list[str] = []
    clock = itertools.count(0, FRESH_S)
    keys = KeyCache(JwksDocument(server.url, environment="local").read, lambda: float(next(clock)), failures.append)
    known = keys.key("one")
    assert known is not None
    released = threading.Event()

    def hangs(*_: object, **__: object) -> list[Any]:
        assert released.wait(20)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    monkeypatch.setattr(jwks_document, "DEADLINE_S", 0.05)
    assert keys.key("one") == known
    assert failures == ["too slow"]
    released.set()


def test_proxies_of_the_environment_see_nothing(
    server: JsonServer, document: JwksDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JsonServer() as proxy:
        for variable in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        document.read()
        assert proxy.received == []


def test_a_certificate_that_nobody_vouches_for_is_refused(server: JsonServer, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(JwksError, match=r"not reachable \(SSLCertVerificationError\)"):
        JwksDocument(server.url.replace("http:", "https:"), environment="local").read()
    assert server.received == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself."""
    key, name = private_key("stranger"), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "local"])
@pytest.mark.parametrize(
    "url",
    [
        "http://cognito-idp.us-east-1.amazonaws.com/p/.well-known/jwks.json",
        "http://localhost.evil.example/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "https:///path",
        "https://user@cognito-idp.us-east-1.amazonaws.com/",
        "x",
        "",
    ],
)
def test_keys_are_read_over_tls_only(environment: str, url: str) -> None:
    with pytest.raises(InsecureAddressError, match="JWKS_URL must be https://"):
        JwksDocument(url, environment=environment)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", ""])
def test_this_machine_without_tls_is_for_the_environment_local(environment: str) -> None:
    url = "http://127.0.0.1:1/"
    assert JwksDocument(url, environment="local")
    with pytest.raises(InsecureAddressError):
        JwksDocument(url, environment=environment)
