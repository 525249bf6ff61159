"""What keeps a host from starting is told before anything is started."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from localcloud import cli, host, lifetime


def _never(event: dict[str, Any]) -> None:
    pytest.fail(f"nothing may start, but there was {event}")


@pytest.mark.parametrize(("package", "provision"), [("ministack", False), ("hypercorn", False), ("pulumi_aws", True)])
def test_a_missing_package_is_a_sentence(package: str, provision: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(host.UnusableError, match=f"the package {package} is not installed; run: pip install"):
        host.run(host.HostOptions(provision=provision), _never)


def test_a_place_for_state_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse() -> lifetime.StateDirectory:
        raise lifetime.StateError("no place")

    monkeypatch.setattr(lifetime, "create", refuse)
    with pytest.raises(host.UnusableError, match="no place"):
        host.run(host.HostOptions(provision=False), _never)


@pytest.mark.parametrize("options", [["--port", "x"], ["--speed", "nan"], ["--speed", "-1"], ["--profile", "none"]])
def test_a_bad_option_is_an_event_too(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*options, "--json"]) == 2
    captured = capsys.readouterr()
    event = json.loads(captured.out)
    assert event["event"] == "error"
    assert captured.err == f"cpaas-local: {event['message']}\n"
