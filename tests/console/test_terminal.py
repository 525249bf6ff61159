"""The console on a real pseudo terminal: keys in, cells out, and no byte that a message could have put there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.terminal import PATIENCE_SECONDS, Terminal

CODE_PAGE_437 = {*bytes(range(32, 256)).decode("cp437"), *"☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"}
"""What the kernel's fonts hold: the printable characters, and the pictures of the control codes."""
MADE_UP = str(Path(__file__).parent / "made_up.py")


@pytest.fixture
def opened() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals with the console over a made-up stack; closes them."""
    terminals: list[Terminal] = []

    def open_one(**options: object) -> Terminal:
        terminal = Terminal([sys.executable, MADE_UP, "local"], **options)  # type: ignore[arg-type]
        terminals.append(terminal)
        return terminal

    yield open_one
    for terminal in terminals:
        terminal.close()


def test_a_session_from_the_first_paint_to_the_end(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=100, rows=30)
    terminal.shows("LIVE", "LOCAL", "ai-cpaas-demo/local", "RW", "alarms: 2 of 4 in ALARM", "throughput", "quit")
    terminal.press("?")
    terminal.shows("esc closes")
    terminal.press("\x1b")
    terminal.until(lambda text: "esc closes" not in text)
    terminal.press("a")
    terminal.shows("send test campaign")
    terminal.press("\r")
    terminal.shows("messages per second")
    terminal.press("0\t\x7f\x7f5\r")
    terminal.shows("estimated cost")
    terminal.press("1000\r")
    terminal.shows("▸ running")
    terminal.press("a")
    terminal.shows("stop sending, keep the place")
    terminal.press("p")
    terminal.shows("pause the campaign on ai-cpaas-demo/local?")
    terminal.press("\r")
    terminal.shows("◆ paused", gone="pause the campaign on")
    terminal.press("at")
    terminal.shows("change the campaign's pace")
    terminal.press("000\r")
    terminal.shows("◆ paused", "5.00k/s", gone="change the campaign's pace")
    terminal.press("a")
    terminal.shows("go on where it stopped")
    terminal.press("u")
    terminal.shows("resume the campaign")
    terminal.press("\r")
    terminal.shows("● completed")
    terminal.press("1")
    terminal.shows("COMPLETED fake-001")
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_command_that_is_typed_faster_than_it_is_read_is_a_command(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=100, rows=30)
    terminal.shows("LIVE")
    terminal.press(":campaigns\r")
    terminal.shows("overview › campaigns")
    terminal.press("/status:q")
    terminal.shows("/status:q")
    terminal.press("\x1b")
    terminal.until(lambda text: "/status:q" not in text)
    terminal.press("12/dlq")
    terminal.shows("/dlq", "overview › alarms")
    terminal.press("\r")
    terminal.until(lambda text: "\n/dlq" not in text and "1 of 4" in text)
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_resize_is_followed(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=120, rows=30)
    terminal.shows("LIVE")
    terminal.resize(80, 24)
    terminal.until(lambda text: "quit" in text.splitlines()[-1] and "LIVE" in text.splitlines()[0])


def test_foreign_text_reaches_the_terminal_as_text_only(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=160, rows=40)
    terminal.shows("LIVE")
    terminal.press("2")
    terminal.shows("REASON")
    terminal.press("j")
    terminal.shows("│ ]52;c;ZXZpbA==]0;owned[6n31m[/nope][@click=app.qu")
    written = bytes(terminal.written)
    assert b"\x1b]52" not in written
    assert b"\x1b]0;owned" not in written
    assert b"\x1b[6n" not in written
    assert b"\xc2\x9b" not in written
    assert "\u202e".encode() not in written
    terminal.press("\x1b")
    terminal.shows("last messages")
    terminal.press("q")
    assert terminal.ended() == 0


def test_without_utf8_only_ascii_is_written(opened: Callable[..., Terminal]) -> None:
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    terminal = opened(columns=80, rows=24, environment=plain)
    terminal.shows("LIVE", "! ALARM", "quit")
    assert bytes(terminal.written).isascii()


def test_a_console_of_the_kernel_gets_its_few_characters_and_colours(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=80, rows=24, environment={"TERM": "linux", "COLORTERM": ""})
    texts = [terminal.shows("LIVE", "ALARM", "quit")]
    terminal.press("?")
    texts.append(terminal.shows("closes"))
    terminal.press("jjj")
    texts.append(terminal.until(lambda text: "keys" not in text))
    terminal.press("\x1b")
    terminal.until(lambda text: "closes" not in text)
    terminal.press("\x10")
    texts.append(terminal.shows("Search for commands"))
    terminal.press("\x1b[B" * 9)
    texts.append(terminal.until(lambda text: text != texts[-1]))
    terminal.press("\x1b")
    terminal.until(lambda text: "Search for commands" not in text)
    terminal.press("y")
    texts.append(terminal.shows("link to this place"))
    terminal.press("l")
    texts.append(terminal.shows("copied link", gone="esc: back"))
    terminal.press(":nowhere\r")
    texts.append(terminal.shows("there is no command"))
    assert set("".join(texts)) <= CODE_PAGE_437 | {"\n"}
    assert b"38;2;" not in terminal.written, "no colour but the terminal's sixteen"
    assert b"38;5;" not in terminal.written


def test_no_color_leaves_state_legible(opened: Callable[..., Terminal]) -> None:
    terminal = opened(columns=80, rows=24, environment={"NO_COLOR": "1"})
    terminal.shows("LIVE", "▲ ALARM", "● OK", "quit")
    colours = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()} - {"default"}
    assert all(len(each) == 6 and each[:2] == each[2:4] == each[4:] for each in colours), "only greys are left"


def test_a_closed_terminal_ends_the_console_without_a_signal() -> None:
    """A program that somebody else started gets no SIGHUP; it must not spin once its terminal is gone."""
    helper = "import signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    helper += "sys.exit(subprocess.call(sys.argv[1:]))"
    terminal = Terminal([sys.executable, "-c", helper, sys.executable, MADE_UP, "local"], columns=100, rows=30)
    terminal.shows("LIVE")
    terminal.hang_up()
    assert terminal.process.wait(PATIENCE_SECONDS) is not None
