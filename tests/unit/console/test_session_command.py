"""`session test`: what it prints, how it ends, who may, and that neither speaker nor session is left behind."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from console.cli import main
from console.domain import ConsoleError
from console.exit_codes import ExitCode
from console.headless import session
from console.sessions.speakers import temporary_speaker, token_of
from console.sessions.trial import Wish
from console.sources.base import Connection
from console.sources.clients import Clients, Target
from console.sources.fake_outputs import fake_outputs
from lambdas.core.outputs import SessionOutputs
from tests.console.made_up_session import connection_to
from tests.console.processes import hearing_ctrl_c
from tests.support.session_server import TOKEN, Flaws, serving

ROOT = Path(__file__).parents[3]
WISH = Wish(listeners=6, ramp=400.0, languages=("de", "fr"), broadcasts=2)
PATIENCE_SECONDS = 30.0


class Pool:
    """A user pool: what botocore's client of Cognito does, with its calls in order; `fails` names the one that fails
    with `error`."""

    target = Target("us-east-1")

    def __init__(self, fails: str = "", error: BaseException | None = None) -> None:
        self.calls: list[str] = []
        self.users: set[str] = set()
        self._fails = fails
        self._error = error

    def client(self, service: str) -> Any:
        assert service == "cognito-idp"
        return self

    def require_account(self) -> None:
        self.calls.append("require_account")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self._fails and self._error is not None:
            raise self._error

    def admin_create_user(self, *, Username: str, MessageAction: str, **_: Any) -> None:
        assert MessageAction == "SUPPRESS"
        self.users.add(Username)
        self._call("create")

    def admin_set_user_password(self, *, Username: str, Permanent: bool, **_: Any) -> None:
        assert Permanent
        assert Username in self.users
        self._call("password")

    def admin_initiate_auth(self, *, AuthFlow: str, **_: Any) -> dict[str, Any]:
        assert AuthFlow == "ADMIN_USER_PASSWORD_AUTH"
        self._call("sign in")
        return {"ChallengeName": "SOFTWARE_TOKEN_MFA"} if self._fails == "mfa" else self._token()

    @staticmethod
    def _token() -> dict[str, Any]:
        return {"AuthenticationResult": {"IdToken": TOKEN}}

    def admin_delete_user(self, *, Username: str, **_: Any) -> None:
        self._call("delete")
        self.users.discard(Username)


def outputs() -> SessionOutputs:
    return fake_outputs().sessions


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "AdminCreateUser")


def asked(connection: Connection, *, check: bool = True, as_json: bool = False, wish: Wish = WISH) -> ExitCode:
    return session.test(connection, session.Asked(wish, check=check), allow_actions=True, confirm=None, as_json=as_json)


def with_pool(connection: Connection, pool: Pool) -> Connection:
    return dataclasses.replace(connection, clients=cast(Clients, pool))


def test_a_whole_session_is_measured_and_nothing_of_it_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    pool = Pool()
    with serving() as server:
        code = asked(with_pool(connection_to(server.endpoint), pool), check=False, as_json=True)
        assert server.ended
    told = json.loads(capsys.readouterr().out)
    assert code is ExitCode.OK
    assert pool.users == set()
    assert pool.calls == ["require_account", "create", "password", "sign in", "delete"]
    assert told["listeners"] == {"wanted": 6, "joined": 6, "refused": 0, "connections_lost": 0}
    assert told["messages"] == {"expected": 12, "lost": 0, "twice": 0}
    counts = {name: each["count"] for name, each in told["latencies"].items()}
    assert counts["heartbeat"] == 7
    assert counts["broadcast, listener"] == 12
    assert set(told["targets"]) == {"creation", "join", "heartbeat"}


def test_as_a_table_with_every_trouble_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Flaws(refused={0: 429, 3: 429, 4: 503})) as server:
        code = asked(with_pool(connection_to(server.endpoint), Pool()))
    out, err = capsys.readouterr()
    assert code is ExitCode.FAILED
    assert "3 of 6 listeners, 2 of 2 broadcasts, 6 of 6 messages, 0 twice, 0 connections lost" in out
    assert "2 x the handshake was refused with 429 RATE_LIMITED: too many attempts" in err
    assert "target heartbeat p95 below 100 ms: " in out


def test_a_server_that_dies_is_told_and_the_speaker_is_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    pool = Pool()
    with serving(Flaws(dies_at=1)) as server:
        code = asked(with_pool(connection_to(server.endpoint), pool), check=False)
    err = capsys.readouterr().err
    assert code is ExitCode.FAILED
    assert pool.users == set()
    assert "the trial ended before its time: the connection has ended" in err
    assert "session session-1 was not ended" in err


def test_a_session_that_cannot_be_opened_leaves_no_speaker() -> None:
    pool = Pool()
    with pytest.raises(ConsoleError, match="no session answers at ws://127"):
        asked(with_pool(connection_to("ws://127.0.0.1:9/prod"), pool))
    assert pool.users == set()


@pytest.mark.parametrize("name", ["password", "sign in", "mfa"])
def test_a_speaker_who_cannot_sign_in_is_deleted(name: str) -> None:
    pool = Pool(name, refusal("NotAuthorizedException"))
    with (
        pytest.raises((ClientError, ConsoleError)),
        temporary_speaker(cast(Clients, pool), outputs(), pytest.fail),
    ):
        pytest.fail("nobody has signed in")
    assert pool.users == set()


def test_a_refused_creation_leaves_nobody_to_delete_and_a_lost_answer_does() -> None:
    for error, deleted in ((refusal("AccessDeniedException"), False), (ConnectionResetError(), True)):
        pool = Pool("create", error)
        with pytest.raises(type(error)), temporary_speaker(cast(Clients, pool), outputs(), pytest.fail):
            pytest.fail("nobody was made")
        assert ("delete" in pool.calls) is deleted


def test_a_speaker_who_cannot_be_deleted_is_named_with_the_command() -> None:
    told: list[str] = []
    pool = Pool("delete", refusal("InternalErrorException"))
    with temporary_speaker(cast(Clients, pool), outputs(), told.append) as token:
        assert token == TOKEN
    (name,) = pool.users
    assert told == [
        f"the temporary speaker {name} is left in the pool {outputs().session_user_pool_id}; delete it with "
        f"`aws cognito-idp admin-delete-user --user-pool-id {outputs().session_user_pool_id} --username {name}`"
    ]


def test_a_read_only_console_and_a_stack_without_sessions_refuse() -> None:
    made_up = connection_to("ws://127.0.0.1:9/prod")
    identity = dataclasses.replace(made_up.outputs.identity, environment="dev")
    dev = dataclasses.replace(made_up, outputs=dataclasses.replace(made_up.outputs, identity=identity))
    with pytest.raises(ConsoleError, match="read-only on local; start it with --allow-actions"):
        session.test(dev, session.Asked(WISH), allow_actions=False, confirm=None, as_json=False)
    none = dataclasses.replace(dev.outputs, sessions=SessionOutputs())
    with pytest.raises(ConsoleError, match="the stack local has no sessions; the setting `sessions` turns them on"):
        asked(dataclasses.replace(dev, outputs=none))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--listeners", "0"], "the number of listeners is 0"),
        (["--listeners", "2001"], "the number of listeners is 2001"),
        (["--listeners", "5", "--ramp", "nan"], "the ramp is nan"),
        (["--listeners", "5", "--languages", "de,,fr"], "'' is no language"),
        (["--listeners", "5", "--broadcasts", "-1"], "the number of broadcasts is -1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_opened(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["session", "test", "--endpoint-url", "http://127.0.0.1:9", *words]) == ExitCode.CANNOT
    assert sentence in capsys.readouterr().err


def test_more_listeners_than_open_files_are_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 4096))
    session.require_files(100)
    with pytest.raises(ConsoleError, match=r"500 listeners need 564 open files, this shell allows 256; run `ulimit"):
        session.require_files(500)


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"x" * 20_000])
def test_a_file_without_a_token_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConsoleError, match="has no token"):
        token_of(tmp_path / "token")
    with pytest.raises(ConsoleError, match="has no token"):
        token_of(tmp_path / "missing")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_ctrl_c_ends_the_session_and_the_command(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token")
    with serving(token="token") as server:
        command = [sys.executable, "-m", "tests.console.made_up_session", server.endpoint, str(tmp_path / "token")]
        child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=hearing_ctrl_c)
        try:
            until(lambda: len(server.listeners) >= 3)
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=PATIENCE_SECONDS)
        finally:
            child.kill()
            child.wait()
        assert server.ended
        until(lambda: not server.listeners)
    assert child.returncode == ExitCode.INTERRUPTED
    assert "cpaas-console: interrupted" in err
    assert "was not ended" not in err
