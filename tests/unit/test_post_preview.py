"""One comment per pull request, over real HTTP against a server that keeps comments as GitHub does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import post_preview

HEAD = "a" * 40
COMMENT = "<!-- cpaas-preview shop/prod -->\n\nfirst"
BOT = {"login": "github-actions[bot]"}


class GitHub(ThreadingHTTPServer):
    """Pull request 7 and its comments."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pull_request: dict[str, Any] = {"state": "open", "head": {"sha": HEAD}}
        self.comments: list[dict[str, Any]] = []
        self.tokens: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    """The four calls that posting makes."""

    server: GitHub

    def do_GET(self) -> None:
        self.server.tokens.add(str(self.headers["Authorization"]))
        if self.path == "/repos/o/r/pulls/7":
            return self.answer(200, self.server.pull_request)
        if match := re.fullmatch(r"/repos/o/r/issues/7/comments\?per_page=100&page=(\d+)", self.path):
            start = 100 * (int(match[1]) - 1)
            return self.answer(200, self.server.comments[start : start + 100])
        return self.answer(404, {"message": "Not Found"})

    def do_POST(self) -> None:
        assert self.path == "/repos/o/r/issues/7/comments"
        self.server.comments.append({"id": len(self.server.comments) + 1, "user": BOT, "body": self.body()})
        self.answer(201, self.server.comments[-1])

    def do_PATCH(self) -> None:
        number = int(self.path.removeprefix("/repos/o/r/issues/comments/"))
        comment = next(each for each in self.server.comments if each["id"] == number)
        comment["body"] = self.body()
        self.answer(200, comment)

    def body(self) -> str:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        return str(json.loads(text)["body"])

    def answer(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The server, and the environment of a runner that talks to it."""
    with GitHub() as server:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
        monkeypatch.setenv("GITHUB_TOKEN", "token-1")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def run(github: GitHub, tmp_path: Path) -> Any:
    """`run(text, number=..., head=...)`: the exit code."""

    def post(text: str, *, number: str = "7\n", head: str = HEAD) -> int:
        (tmp_path / "comment.md").write_text(text, encoding="utf-8")
        (tmp_path / "number").write_text(number, encoding="utf-8")
        files = ["--comment", str(tmp_path / "comment.md"), "--pull-request", str(tmp_path / "number")]
        return post_preview.main([*files, "--head", head])

    return post


def test_the_first_is_posted_and_the_next_edits_it(github: GitHub, run: Any) -> None:
    assert run(COMMENT) == 0
    assert run(COMMENT.replace("first", "second")) == 0
    assert [each["body"] for each in github.comments] == [COMMENT.replace("first", "second")]
    assert github.tokens == {"Bearer token-1"}


def test_comments_of_people_are_left_alone(github: GitHub, run: Any) -> None:
    github.comments = [{"id": 1, "user": {"login": "mallory"}, "body": COMMENT}]
    assert run(COMMENT) == 0
    assert len(github.comments) == 2


def test_the_previews_of_two_stacks_are_two_comments(github: GitHub, run: Any) -> None:
    assert run(COMMENT) == run(COMMENT.replace("prod", "dev")) == 0
    assert len(github.comments) == 2


def test_the_comment_is_found_on_a_later_page(github: GitHub, run: Any) -> None:
    talk = [{"id": index, "user": {"login": "x"}, "body": "hm"} for index in range(1, 131)]
    github.comments = [*talk, {"id": 131, "user": BOT, "body": COMMENT}]
    assert run(COMMENT.replace("first", "second")) == 0
    assert len(github.comments) == 131
    assert github.comments[-1]["body"].endswith("second")


@pytest.mark.parametrize("change", [{"head": {"sha": "b" * 40}}, {"state": "closed"}])
def test_a_pull_request_that_moved_on_gets_nothing(github: GitHub, run: Any, change: dict[str, Any]) -> None:
    github.pull_request |= change
    assert run(COMMENT) == 0
    assert github.comments == []


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        (COMMENT, "7/../8", "holds no number"),
        (COMMENT, "", "holds no number"),
        (COMMENT, "٧", "holds no number"),
        (COMMENT, "8", "answered 404"),
        ("hello", "7", "is no preview"),
        (COMMENT + "x" * 65_536, "7", "too long"),
    ],
)
def test_what_is_refused_is_one_sentence(
    github: GitHub, run: Any, text: str, number: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(text, number=number) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert github.comments == []


def test_without_a_token_nothing_is_asked(
    github: GitHub, run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert run(COMMENT) == 1
    assert "GITHUB_TOKEN" in capsys.readouterr().err
    assert github.tokens == set()
