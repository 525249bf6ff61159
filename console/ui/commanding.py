"""What keys and the command line do on every screen: prompt, menus, copies, exports, help, login."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from textual.app import SuspendNotSupported
from textual.command import CommandPalette
from textual.screen import Screen

from console.campaigns import require_actions
from console.commandline import Verb, parse_command, parse_moment, parse_seconds, parse_speed
from console.domain import ConsoleError, Problem, ProblemKind
from console.places import Place
from console.services.errors import NOBODY, Caller, classify_once
from console.services.runner import Lane
from console.text import safe
from console.ui import login
from console.ui.campaign_actions import send_choice
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.export_file import free_path, write_new
from console.ui.registry import aliases
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.help import TextScreen, help_lines
from console.ui.screens.leave import LeaveScreen
from console.ui.screens.menu import MenuScreen
from console.ui.themes import set_theme
from console.ui.typing_ahead import TypingAhead
from console.ui.widgets.prompt import Prompt, PromptMode
from console.ui.works import Works
from console.view.columns import split
from console.view.glyphs import BLOCK, Glyphs

T = TypeVar("T")

EXPORT_SECONDS = 120.0
MAX_COPY = 100_000
"""Characters that go to the clipboard: terminals cut longer OSC 52 sequences."""


class Commanding(TypingAhead):
    """The half of the application that people talk to; the other half keeps the stack and the places."""

    desk: Desk | None = None
    caller: Caller = NOBODY
    """How the stack is called, for what goes wrong."""
    problem: Problem | None = None
    """What keeps it from connecting."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.history: list[str] = []
        self.works = Works()
        self.directory = Path()

    @property
    @abstractmethod
    def here(self) -> ConsoleScreen | None:
        """The place on top, dialogs aside."""

    @abstractmethod
    def action_previous(self) -> None:
        """Where one was before."""

    @abstractmethod
    def action_refresh(self) -> None:
        """Read everything now, or connect again."""

    def dressed(self, screen: Screen[T]) -> Screen[T]:
        """A screen for this terminal."""
        screen.set_class(self.glyphs.ascii_only, "-ascii")
        screen.set_class(self.glyphs is BLOCK, "-block")
        return screen

    def ask(self, screen: Screen[T], answered: Callable[[T | None], None] | None = None, /) -> None:
        """Open a dialog; `answered` gets what it is dismissed with."""
        self.open_screen(self.dressed(screen), answered)

    def say(self, text: str) -> None:
        """A sentence that goes away by itself."""
        self.notify(text, markup=False)

    def problem_of(self, error: BaseException) -> Problem:
        """What went wrong, with remedies for whoever calls the stack."""
        return classify_once(error, self.caller)

    def complain(self, problem: Problem) -> None:
        """A problem that goes away by itself."""
        self.notify(str(problem), severity="error", markup=False, timeout=10)

    async def action_quit(self) -> None:
        """Leave, by the key."""
        self.leave()

    def leave(self) -> None:
        """End, after a question where something is under way that must not be ended in the middle."""
        if isinstance(self.screen, LeaveScreen):
            self.screen.action_leave()
        elif self.works.out:
            self.ask(LeaveScreen(self.works, self.glyphs), lambda sure: self.exit() if sure else None)
        else:
            self.exit()

    def action_command_palette(self) -> None:
        """Every screen and key by its words; opened as everything else is, in signs that the terminal has."""
        if not isinstance(self.screen, CommandPalette):
            self.ask(CommandPalette(placeholder="Search for commands", id="--command-palette"))

    def action_prompt(self, sign: str) -> None:
        """Open the line for a command or a filter."""
        here = self.here
        if here is not None:
            here.drop_lookup()
            text = here.place.params.get("filter", "") if sign == PromptMode.FILTER else ""
            here.query_one(Prompt).open(PromptMode(sign), text)

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        """A filter while it is typed: what is no filter yet is told, and changes nothing."""
        self._narrow(event.text, final=False)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Enter in the prompt."""
        here = self.here
        if here is not None:
            here.focus_body()
        if event.mode is PromptMode.FILTER:
            self._narrow(event.text, final=True)
        elif event.text:
            self.obey(event.text)

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Escape in the prompt: a filter goes away."""
        here = self.here
        if here is not None:
            here.focus_body()
            if event.mode is PromptMode.FILTER:
                self._narrow("", final=True)

    def _narrow(self, text: str, *, final: bool) -> None:
        here = self.here
        if here is None:
            return
        try:
            if not here.narrow(text) and final and text:
                self.say("nothing can be filtered here")
        except ConsoleError as error:
            if final:
                self.complain(error.problem)
        here.again()

    def obey(self, text: str) -> None:
        """Do what a line says: a command, a place, a link."""
        if self.desk is None:
            return
        try:
            wanted = parse_command(text, aliases(), self.desk.stack.stack)
            if isinstance(wanted, Place):
                self.desk.go(wanted)
            else:
                self._verb(wanted, self.desk)
        except Exception as error:
            self.complain(self.problem_of(error))

    def _verb(self, verb: Verb, desk: Desk) -> None:
        if verb.name == "quit":
            self.leave()
        elif verb.name == "help":
            self.action_help()
        elif verb.name == "back":
            self.action_previous()
        elif verb.name == "copy":
            self._to_clipboard("link", self._link())
        elif verb.name == "export":
            self._export(verb.argument or "csv")
        elif verb.name == "columns":
            self._choose_columns(verb.argument)
        elif verb.name == "theme":
            set_theme(self, verb.argument)
        elif verb.name == "every" and verb.argument in ("off", "-1"):
            desk.monitor.paused = True
            self.say("reading is held: r reads once, space goes on")
        elif verb.name == "every":
            desk.monitor.least_seconds = parse_seconds(verb.argument)
            desk.monitor.paused = False
            own = verb.argument == "auto"
            self.say("feeds are read at their own beats" if own else f"feeds are read every {verb.argument} s at most")
        elif verb.name in ("at", "speed"):
            self._steer(verb, desk)

    def _choose_columns(self, argument: str) -> None:
        """Which columns the table here shows."""
        if not argument:
            raise ConsoleError(ProblemKind.BAD_INPUT, "no columns are named", "write columns NAME,NAME or columns auto")
        if self.here is not None and not self.here.choose_columns(() if argument == "auto" else split(argument)):
            self.say("there is no table here whose columns can be chosen")

    def _steer(self, verb: Verb, desk: Desk) -> None:
        """Move in a replay's time."""
        clock = desk.connection.clock
        if clock is None:
            raise ConsoleError(ProblemKind.BAD_INPUT, "this is no replay", "start one with --replay FILE")
        if verb.name == "speed":
            clock.run(parse_speed(verb.argument))
            self.say(f"replayed {clock.speed:g} times as fast" if clock.speed else "the replay stands still")
        else:
            clock.seek(parse_moment(verb.argument, clock.now(), clock))
            desk.monitor.jumped()

    def _offer(self, title: str, choices: Callable[[ConsoleScreen], Sequence[Choice]]) -> None:
        here = self.here
        if here is None:
            return
        try:
            found = choices(here)
        except Exception as error:
            self.complain(self.problem_of(error))
            return
        if found:
            self.ask(MenuScreen(title, found, self.glyphs), self._chosen)
        else:
            self.say("nothing here")

    def _chosen(self, choice: Choice | None) -> None:
        if choice is not None:
            try:
                choice.run()
            except Exception as error:
                self.complain(self.problem_of(error))

    def action_jump(self) -> None:
        """Where this place leads."""
        self._offer("go from here", lambda here: here.jumps())

    def action_act(self) -> None:
        """What can be done here; on a read-only console only what changes nothing."""
        desk = self.desk
        if desk is None:
            return
        try:
            require_actions(desk.stack)
        except ConsoleError as error:
            self.complain(error.problem)
            if not desk.stack.replayed:
                self._offer(f"{desk.stack.stack} is read-only", lambda _: [send_choice(desk)])
            return
        self._offer(f"actions on {desk.stack.stack}", lambda here: [*here.actions(), send_choice(desk)])

    def action_copy(self) -> None:
        """What can be copied."""
        link = Copyable("l", "link to this place", self._link)
        self._offer("copy", lambda here: [self._copying(each) for each in (*here.copies(), link)])

    def _copying(self, each: Copyable) -> Choice:
        return Choice(each.key, each.title, "", lambda: self._to_clipboard(each.title, each.text()))

    def _link(self) -> str:
        return "" if self.desk is None or self.here is None else self.desk.link(self.here.place)

    def _to_clipboard(self, what: str, text: str) -> None:
        """OSC 52, which works over ssh; the text is made harmless once more, as it leaves through the terminal."""
        text = safe(text, cells=MAX_COPY)
        self.copy_to_clipboard(text)
        self.say(f"copied {what}: {text.splitlines()[0][:60] if text else ''}")

    def action_export(self) -> None:
        """What is shown, into a file."""
        forms = (
            *(("c", "CSV", "csv"), ("j", "JSON", "json"), ("n", "JSON, a line for each row", "ndjson")),
            ("s", "picture (SVG)", "svg"),
        )
        choices = [Choice(key, title, "", partial(self._export, form)) for key, title, form in forms]
        self._offer("export into a file", lambda _: choices)

    def action_picture(self) -> None:
        """A picture of the screen."""
        self._export("svg")

    def _export(self, form: str) -> None:
        here, desk = self.here, self.desk
        if here is None or desk is None:
            return
        if form not in ("csv", "json", "ndjson", "svg"):
            raise ConsoleError(ProblemKind.BAD_INPUT, f"{form!r} is no form", "give csv, json, ndjson or svg")
        sheet = here.sheet()
        if form == "svg":
            picture = self.export_screenshot()
            writing = self._write(desk, here.place.screen, form, lambda: picture)
        elif sheet is None:
            self.say("there are no rows here to export; ctrl+s makes a picture")
            return
        else:
            text = {"csv": sheet.csv, "json": sheet.json, "ndjson": sheet.ndjson}[form]
            writing = self._write(desk, sheet.name, form, text)
        self.run_worker(writing, exit_on_error=False, description="export")

    async def _write(self, desk: Desk, name: str, form: str, text: Callable[[], str]) -> None:
        """A hundred thousand rows take seconds to write, so a thread does it while keys are answered."""
        path = free_path(self.directory, name, form, desk.clock.now())
        try:
            job = desk.runner.start(lambda: write_new(path, text()), deadline=EXPORT_SECONDS, lane=Lane.DEEDS)
            self.works.begin(f"writing {path}", job)
            await job.wait_async()
        except OSError as error:
            sentence = f"{path} cannot be written: {error.strerror}"
            self.complain(Problem(ProblemKind.BAD_INPUT, sentence, "start the console in a directory of yours"))
        except Exception as error:
            self.complain(self.problem_of(error))
        else:
            self.say(f"written: {path}")

    def action_help(self) -> None:
        """Keys that are live here, commands, and what the words mean."""
        bindings = [active.binding for active in self.screen.active_bindings.values() if active.enabled]
        lines = help_lines([each for each in bindings if each.description], commands=self.here is not None)
        self.ask(TextScreen("help", lines, self.glyphs))

    def action_login(self) -> None:
        """Run the command that renews the credentials, on this terminal, and read or connect again."""
        problems = (
            [self.problem] if self.desk is None else [each.state.error for each in self.desk.monitor.feeds.values()]
        )
        told = [each for each in problems if each is not None and each.kind is ProblemKind.CREDENTIALS]
        if not told or not told[0].command:
            self.say("no command is known that renews these credentials" if told else "the credentials are good")
            return
        try:
            words = login.program_of(told[0].command)
            with self.suspend():
                ended = login.run(words)
        except ConsoleError as error:
            self.complain(error.problem)
            return
        except SuspendNotSupported:
            ended = "this terminal cannot be lent to another program"
        self.say(f"{ended}; run elsewhere: {told[0].command}" if ended else "logged in")
        self.action_refresh()
