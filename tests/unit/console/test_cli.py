"""The command line: every refusal is one sentence on stderr with exit code 2, and nothing is started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from console import cli
from console.exit_codes import ExitCode
from console.services import connect as connecting
from console.sources.fake import FakeStack
from console.sources.fake_outputs import fake_outputs


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence of a refusal; stdout stays empty."""
    assert cli.main(arguments) == ExitCode.CANNOT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--once"], "exactly one of --local"),
        (["--once", "--local", "--stack", "dev"], "more than one way"),
        (["--local"], "--once"),
        (["--local", "--theme", "neon"], "there is no theme 'neon'; themes are dark, light, high-contrast, ansi"),
        (["--once", "--stack", "local"], "--endpoint-url"),
        (["--once", "--stack", "../etc"], "stack name"),
        (["--once", "--stack", "dev", "--project", "a b"], "project name"),
        (["--once", "--outputs", "/no/such/file"], "cannot read"),
        (["--once", "--endpoint-url", "http://127.0.0.1:9"], "cpaas-local"),
        (["--once", "--endpoint-url", "https://sts.amazonaws.com"], "this machine only"),
        (["campaign", "send", "--local", "--recipients", "0", "--tps", "1"], "from 1 to 5000"),
        (["campaign", "send", "--local", "--recipients", "-1", "--tps", "1"], "from 1 to 5000"),
        (["campaign", "send", "--local", "--recipients", "1000000000", "--tps", "1"], "from 1 to 5000"),
        (["campaign", "send", "--local", "--recipients", "1", "--tps", "nan"], "TPS is nan"),
        (["campaign", "send", "--local", "--recipients", "1", "--tps", "-5"], "above 0"),
        (["campaign", "send", "--local", "--recipients", "1", "--tps", "1", "--wait-receipts", "x"], "seconds"),
        (["campaign", "send", "--local", "--recipients", "1", "--tps", "1", "--body", " "], "body"),
        (["campaign", "tps", "c-1", "0", "--local"], "TPS is 0"),
        (["campaign", "pause", "../c-1", "--local"], "no campaign id"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refused(arguments, capsys)


def test_a_stack_without_outputs_names_the_three_ways(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = refused(["--once", "--stack", "dev"], capsys)
    assert "--project" in sentence
    assert "Pulumi.yaml" in sentence
    assert "--outputs" in sentence


def test_absent_credentials_are_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sentence = refused(["--once", "--stack", "dev", "--project", "ai-cpaas-demo"], capsys)
    assert "no AWS credentials" in sentence
    assert "--profile" in sentence
    sentence = refused(["--once", "--stack", "dev", "--project", "ai-cpaas-demo", "--profile", "nope"], capsys)
    assert "nope" in sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [("not json", "no JSON"), ("[]", "no mapping"), ("{}", "lack"), ('{"Project": 7}', "no mapping")],
)
def test_malformed_outputs_are_one_sentence(
    content: str, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(content)
    assert words in refused(["--once", "--outputs", str(path)], capsys)


def test_local_outputs_that_point_to_aws_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(
        json.dumps(fake_outputs().to_mapping() | {"EndpointUrl": "https://dynamodb.us-east-1.amazonaws.com"})
    )
    assert "this machine only" in refused(["--once", "--outputs", str(path)], capsys)
    path.write_text(json.dumps(fake_outputs().to_mapping() | {"EndpointUrl": ""}))
    assert "no endpoint" in refused(["--once", "--outputs", str(path)], capsys)


def test_without_the_local_extra_the_remedy_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.services.embedded.find_spec", lambda name: None)
    assert "pip install 'cpaas[local]'" in refused(["--once", "--local"], capsys)
    assert "pip install 'cpaas[local]'" in refused(["demo"], capsys)


def test_an_unforeseen_failure_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(connecting, "connect", explode)
    monkeypatch.setattr(connecting, "check", lambda options: None)
    assert "odd" in refused(["--once", "--local"], capsys)


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connecting, "connect", interrupt)
    monkeypatch.setattr(connecting, "check", lambda options: None)
    assert cli.main(["--once", "--local"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "cpaas-console: interrupted\n"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    code = (
        "import sys; from console.services import connect as c; from console.sources.fake import FakeStack;"
        "c.check = lambda o: None; c.connect = lambda o, p: FakeStack().connection();"
        "from console import cli; sys.exit(cli.main(['outputs', '--local', '--format', 'env']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("cpaas-console ")


def test_options_may_stand_before_or_after_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[connecting.Options] = []

    def connect(options: connecting.Options, _: object) -> object:
        seen.append(options)
        return FakeStack().connection()

    monkeypatch.setattr(connecting, "connect", connect)
    assert cli.main(["outputs", "--stack", "dev", "--project", "p"]) == ExitCode.OK
    assert cli.main(["--stack", "dev", "--project", "p", "outputs"]) == ExitCode.OK
    assert cli.main(["--stack", "dev", "campaign", "list", "--project", "p", "--json"]) == ExitCode.OK
    assert [(each.stack, each.project) for each in seen] == [("dev", "p")] * 3
