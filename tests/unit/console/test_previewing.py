"""The preview's child process: its events, its errors and its end, with children that misbehave."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from console import cli
from console.domain import ConsoleError
from console.exit_codes import ExitCode
from console.services.previewing import Asked, preview, require_deploy_extra

ANSWER = 'print(\'{"event": "preview", "document": {"schema": 1}}\', flush=True)'


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_progress_then_the_document(tmp_path: Path) -> None:
    said: list[str] = []
    code = f'import sys; print(\'{{"event": "progress", "detail": "half\\\\u001b[2J"}}\'); {ANSWER}; sys.stdin.read()'
    assert preview(Asked("dev"), tmp_path, said.append, child(code)) == {"schema": 1}
    assert said == ["half[2J"]


def test_what_was_asked_reaches_the_child_as_values(tmp_path: Path) -> None:
    code = "import json, sys; print(json.dumps({'event': 'preview', 'document': {'arguments': sys.argv[1:]}}))"
    asked = Asked("dev", against="--upload-pack=x", usage=Path("/a b"))
    answer = preview(asked, tmp_path, print, child(code))
    assert answer == {"arguments": ["--stack=dev", "--against=--upload-pack=x", "--usage=/a b"]}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('print(\'{"event": "error", "message": "no\\\\nway"}\')', "no way"),
        ("print('hello')", "no event: hello"),
        ("print('[]')", "no event: []"),
        ("import sys; sys.exit('out of luck')", "ended without an answer: out of luck"),
        ("", "ended without an answer"),
        ('print(\'{"event": "preview", "document": 7}\')', "ended without an answer"),
    ],
)
def test_every_failure_is_one_sentence(code: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConsoleError) as caught:
        preview(Asked("dev"), tmp_path, print, child(code))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_child_ends_with_the_caller(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        f"import os, sys; open({str(pid_file)!r}, 'w').write(str(os.getpid()));"
        'print(\'{"event": "progress", "detail": "x"}\', flush=True); sys.stdin.read()'
    )

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preview(Asked("dev"), tmp_path, interrupt, child(code))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_outside_of_a_project_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["preview"]) == ExitCode.CANNOT
    assert "start from the project's directory" in capsys.readouterr().err


def test_without_pulumi_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.services.previewing.find_spec", lambda name: None)
    with pytest.raises(ConsoleError, match=r"pip install 'cpaas\[local\]'"):
        require_deploy_extra()
