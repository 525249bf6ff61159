"""`cpaas-console`: arguments only; decides between screen and commands, imports what the choice needs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands import campaign, costs, message, opt_outs, pumping_guard, queues, session, setup, watching
from console.exit_codes import ExitCode

if TYPE_CHECKING:
    from console.commands import Command, Make
    from console.domain import Problem
    from console.screen_options import ScreenOptions
    from console.services.connect import Options

EPILOG = """\
which stack: --local starts an embedded one; --stack NAME reads its outputs from SSM (project by --project or a
Pulumi.yaml here) or from the Pulumi CLI; --outputs FILE; --endpoint-url URL attaches to a running cpaas-local;
--replay FILE shows what --record FILE has written.

exit codes: 0 done; 1 done, and the answer is bad; 2 bad input, no terminal or no connection; 3 the wait ended
before the campaign did; 130 interrupted.
"""

PREVIEW_EPILOG = """\
Evaluates the program in this directory and in another revision, without AWS account, credentials or the Pulumi CLI,
and prints resources, rights in plain words, policy findings and the monthly cost before and after.

compared with, unless --against says so: HEAD where tracked files have uncommitted changes, else the commit where
this branch left main. Settings that the stack encrypts are stood in for; the layer is not built, its lock file stands
for it.

exit codes: 0 printed; 1 printed, and the program breaks policy rules; 2 it could not be evaluated; 130 interrupted.
"""


def _connection_options() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    which = parent.add_argument_group("which stack")
    which.add_argument("--local", action="store_true", help="start an embedded cloud as a child, no AWS account needed")
    which.add_argument("--stack", metavar="NAME", help="a deployed stack")
    which.add_argument("--project", metavar="NAME", help="its Pulumi project (default: the Pulumi.yaml here)")
    which.add_argument("--outputs", metavar="FILE", type=Path, dest="outputs_file", help="JSON of output names")
    which.add_argument("--endpoint-url", metavar="URL", help="a running embedded cloud on this machine")
    which.add_argument("--region", metavar="REGION", help="AWS region (default: of the environment, else us-east-1)")
    which.add_argument("--profile", metavar="NAME", help="AWS profile")
    which.add_argument("--record", metavar="FILE", type=Path, help="write what the stack answers to a new file")
    which.add_argument("--replay", metavar="FILE", type=Path, help="show such a file again, without any stack")
    which.add_argument("--faults", metavar="SPEC", help=argparse.SUPPRESS)
    which.add_argument("--allow-actions", action="store_true", help="allow writes (always on in the environment local)")
    return parent


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    shared = _connection_options()
    top = argparse.ArgumentParser(
        prog="cpaas-console",
        description="One terminal that shows whether a communications stack is healthy.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    top.add_argument("--version", action="store_true", help="print the version and leave")
    top.add_argument("--once", action="store_true", help="print one snapshot and leave, no terminal needed")
    top.add_argument("--json", action="store_true", help="with --once: as JSON")
    top.add_argument(
        "--budget",
        metavar="USD",
        default="2",
        help="what reading may cost in a month before it slows (default: 2; 0: no end)",
    )
    top.add_argument(
        "--columns",
        metavar="TABLE=NAMES",
        action="append",
        help="columns of a table between commas, as messages=status,id,reason (default: $CPAAS_COLUMNS)",
    )
    top.add_argument("--theme", metavar="NAME", help="dark, light, high-contrast or ansi (default: $CPAAS_THEME)")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("demo", help="an embedded stack with a sample campaign; piped: a summary of it")
    campaign.add(commands, shared)
    costs.add(commands, shared)
    queues.add(commands, shared)
    message.add(commands, shared)
    opt_outs.add(commands, shared)
    pumping_guard.add(commands, shared)
    session.add(commands, shared)
    setup.add(commands, shared)
    watching.add(commands, shared)
    outputs = commands.add_parser("outputs", parents=[shared], help="the stack's outputs")
    outputs.add_argument("--format", choices=("json", "env"), default="json", dest="form")
    doctor = commands.add_parser("doctor", parents=[shared], help="check what the console and the stack need")
    doctor.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    _preview_command(commands)
    return top


def _preview_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    preview = commands.add_parser(
        "preview",
        help="what the program here would change, against another revision: resources, rights, policy, cost",
        epilog=PREVIEW_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    preview.add_argument("--stack", metavar="NAME", default=argparse.SUPPRESS, help="whose settings (default: dev)")
    preview.add_argument("--against", metavar="REV", help="commit, branch or tag to compare with")
    preview.add_argument("--usage", metavar="FILE", type=Path, help="JSON of figures that the cost is estimated for")
    preview.add_argument("--from", metavar="FILE", type=Path, dest="document", help="show a document of --json again")
    form = preview.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as a document for programs")
    form.add_argument("--markdown", action="store_true", help="as a comment of at most 64,000 characters")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; every failure is one sentence on stderr and an exit code."""
    arguments = parser().parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"cpaas-console {version('cpaas')}")
        return ExitCode.OK
    from console.services.errors import Caller, classify_once

    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("cpaas-console: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left: nobody to tell
        return ExitCode.FAILED
    except Exception as error:
        caller = Caller(getattr(arguments, "profile", ""), getattr(arguments, "region", ""))
        return _refuse(classify_once(error, caller))


def _refuse(problem: Problem) -> ExitCode:
    from console.headless.talk import complain

    complain(problem)
    return ExitCode.CANNOT


def _run(arguments: argparse.Namespace) -> ExitCode:
    from console.services.connect import Options, check

    if arguments.command == "demo":
        return _demo(_asked(arguments))
    if arguments.command == "preview":
        return _preview(arguments)
    options = Options(
        local=getattr(arguments, "local", False),
        stack=getattr(arguments, "stack", None),
        outputs=getattr(arguments, "outputs_file", None),
        endpoint_url=getattr(arguments, "endpoint_url", None),
        project=getattr(arguments, "project", None),
        region=getattr(arguments, "region", None),
        profile=getattr(arguments, "profile", None),
        directory=Path.cwd(),
        faults=getattr(arguments, "faults", ""),
        record=getattr(arguments, "record", None),
        replay=getattr(arguments, "replay", None),
        replay_at_end=arguments.command != "watch",
    )
    if arguments.command == "open":
        from console.places import parse_link

        options = _with_stack(options, parse_link(arguments.link)[0])
    allow = getattr(arguments, "allow_actions", False)
    command = _command(arguments, allow)
    if command is not None:
        check(options)
        return _headless(options, command)
    asked = _asked(arguments)
    if not _on_terminal():
        return _refuse(_no_terminal())
    check(options)
    return _screen(replace(options, replay_at_end=False), asked)


def _with_stack(options: Options, stack: str) -> Options:
    """The stack of a link, unless another way to it was given: an embedded one has no name that could be found."""
    ways = (options.stack, options.outputs, options.endpoint_url, options.replay)
    named = options.local or any(way is not None for way in ways)
    return options if named else replace(options, stack=stack)


def _preview(arguments: argparse.Namespace) -> ExitCode:
    from console.headless import preview
    from console.services.previewing import Asked

    form = "markdown" if arguments.markdown else "json" if getattr(arguments, "json", False) else "text"
    if arguments.document is not None:
        return preview.show(arguments.document, form=form)
    usage = None if arguments.usage is None else arguments.usage.absolute()
    return preview.run(Asked(getattr(arguments, "stack", "dev"), arguments.against, usage), form=form)


def _no_terminal() -> Problem:
    from console.domain import Problem, ProblemKind

    return Problem(
        ProblemKind.BAD_INPUT, "stdout is not a terminal", "use --once (with --json for scripts) for one snapshot"
    )


def _command(arguments: argparse.Namespace, allow: bool) -> Command | None:
    """The command without a screen that the arguments ask for; input is checked here, before anything is opened."""
    as_json = getattr(arguments, "json", False)
    if arguments.command == "outputs":
        from console.headless import outputs

        return lambda connection: outputs.run(connection.outputs, form=arguments.form)
    if arguments.command == "doctor":
        from console.headless import doctor

        return lambda connection: doctor.run(connection, as_json=as_json)
    make: Make | None = getattr(arguments, "make", None)
    if make is not None:
        arguments.json, arguments.allow_actions = as_json, allow
        return make(arguments)
    if arguments.once or as_json:
        from console.headless import once

        return lambda connection: once.run(connection, as_json=as_json, allow_actions=allow)
    return None


def _headless(options: Options, command: Command) -> ExitCode:
    from console.headless.talk import Course
    from console.services.connect import connect

    connection = connect(options, Course() if options.local else _quiet)
    try:
        return command(connection)
    finally:
        connection.close()


def _quiet(_: str) -> None:
    """Connecting to something that runs takes a moment: not worth a word."""


def _asked(arguments: argparse.Namespace) -> ScreenOptions:
    from console.screen_options import ScreenOptions, parse_budget
    from console.view.columns import ENVIRONMENT, parse_columns
    from console.view.palette import chosen

    columns = arguments.columns or os.environ.get(ENVIRONMENT, "").split()
    return ScreenOptions(
        allow_actions=getattr(arguments, "allow_actions", False),
        theme=chosen(arguments.theme, os.environ),
        link=getattr(arguments, "link", ""),
        budget_usd=parse_budget(arguments.budget),
        columns=parse_columns(columns),
    )


def _screen(options: Options, asked: ScreenOptions) -> ExitCode:
    from console.ui.launch import run

    return run(options, asked)


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _demo(asked: ScreenOptions) -> ExitCode:
    from console.headless import demo
    from console.services.connect import Options, check

    options = Options(local=True)
    check(options)
    if _on_terminal():
        sample = demo.sample(*demo.SCREEN_SAMPLE)
        return _screen(options, replace(asked, allow_actions=True, autostart=sample))
    return _headless(options, demo.run)


if __name__ == "__main__":
    sys.exit(main())
