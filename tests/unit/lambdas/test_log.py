"""One line of JSON per event, without anybody's address in it."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from lambdas.adapters.logs import Log
from lambdas.core.channels import Channel
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.metrics import ACTIVE_SESSIONS, Datum


class Written(io.StringIO):
    """Keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def write(self, text: str) -> int:
        self.texts.append(text)
        return len(text)


ADDRESSES = ("+14255550156", "someone@example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(FunctionEnvironment):
    """A function's."""

    FUNCTION: ClassVar[str] = "tested"


def logged(capsys: pytest.CaptureFixture[str], **fields: Any) -> dict[str, Any]:
    settings = Settings(project="cpaas", stack="dev", environment="dev", log_level="INFO")
    Log(settings).line("INFO", "happened", **fields)
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_masked_however_deep_they_lie(capsys: pytest.CaptureFixture[str], address: str) -> None:
    fields = {
        "text": f"to {address}",
        "error": ValueError(f"no such destination: {address}"),
        "many": [address, {"deep": (address,)}],
        "by_address": {address: 1},
        "two_lines": f"one\n{address}",
    }
    assert address not in json.dumps(logged(capsys, **fields), ensure_ascii=False)


def test_everything_else_stays(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"n": 5, "ratio": 0.5, "yes": True, "none": None, "tokens": {Channel.SMS: 2}, "cost": Decimal("0.1")}
    found = logged(capsys, **fields)
    assert found["tokens"] == {"sms": 2}
    assert (found["n"], found["ratio"], found["yes"], found["none"], found["cost"]) == (5, 0.5, True, None, "0.1")
    assert (found["level"], found["event"], found["function"], found["stack"]) == ("INFO", "happened", "tested", "dev")


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    Log(Settings(project="cpaas", stack="dev", environment="dev", log_level="ERROR")).line("WARNING", "happened")
    assert capsys.readouterr().out == ""


def test_a_line_is_written_whole_so_that_threads_do_not_mix_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written()
    monkeypatch.setattr(sys, "stdout", written)
    log = Log(Settings(project="cpaas", stack="dev", environment="dev", log_level="INFO"))
    log.line("INFO", "happened")
    log.metrics([Datum(ACTIVE_SESSIONS, 1)])
    assert [text[-1:] for text in written.texts] == ["\n", "\n"]
    assert all(json.loads(text) for text in written.texts)
