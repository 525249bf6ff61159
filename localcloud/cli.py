"""`cpaas-local`, also `python -m localcloud`: an AWS on 127.0.0.1 with this project's stack in it.

For people: progress on stderr, then the endpoint and the lines to export on stdout; Ctrl-C ends it.

For programs: `--json --parent-pipe`. Stdout is one JSON object a line, as they come:

    {"event":"progress","stage":"start"|"provision"|"ready","done":n,"total":n|null,"detail":text}
    {"event":"ready","endpoint_url":URL,"outputs_file":PATH,"region":...,"access_key_id":...,
     "secret_access_key":...,"recorded":[resource types that are written down only]}
    {"event":"error","message":one sentence}

The process ends when its stdin ends. Exit codes: 0 stopped as asked, 1 the program or the cloud failed, 2 it could
not start as told (a taken port, an unknown option, an outputs file that cannot be written, a stack without
configuration).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

_FAILED = 1
_UNUSABLE = 2


class _Parser(argparse.ArgumentParser):
    """One sentence instead of usage and error."""

    def error(self, message: str) -> NoReturn:
        raise _OptionError(f"{message}; see cpaas-local --help")


class _OptionError(ValueError):
    """An option cannot be used; the message is one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        options = _parser().parse_args(given)
        return _run(options)
    except _OptionError as error:
        return _fail(str(error), as_json)


def _parser() -> _Parser:
    parser = _Parser(prog="cpaas-local", description="An AWS on 127.0.0.1 with this project's stack in it.")
    parser.add_argument("--port", type=_port, default=4566, help="port on 127.0.0.1; 0 takes any (default: 4566)")
    parser.add_argument("--outputs", type=Path, metavar="FILE", help="write the stack's outputs (JSON) to FILE")
    parser.add_argument("--stack", default="local", help="stack to provision (default: local)")
    parser.add_argument(
        "--profile",
        default="smooth",
        metavar="NAME|FILE",
        help="what the carrier does to messages: smooth, everyday, rough, or a JSON file (default: smooth)",
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="clock of alarms and schedules, times N (default: 1)"
    )
    parser.add_argument("--no-provision", action="store_true", help="start an empty cloud")
    parser.add_argument("--json", action="store_true", help="one JSON event a line on stdout")
    parser.add_argument("--parent-pipe", action="store_true", help="stop when stdin ends")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a factor above 0 and up to 10000")
    return speed


def _run(options: argparse.Namespace) -> int:
    from localcloud import host, profile

    try:
        settings = host.HostOptions(
            port=options.port,
            outputs=options.outputs,
            stack=options.stack,
            profile=profile.load(options.profile),
            speed=options.speed,
            provision=not options.no_provision,
            stop_with_parent=options.parent_pipe,
        )
    except profile.ProfileError as error:
        raise _OptionError(str(error)) from error
    if options.outputs is not None and not _writable(options.outputs):
        raise _OptionError(f"cannot write the outputs to {options.outputs}; name a file in a directory of yours")
    # Nothing but events and results may reach stdout, whoever prints.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    try:
        host.run(settings, _printer(out) if options.json else _narrator(out))
    except BrokenPipeError:
        return _fail("nobody reads stdout any more", False, _FAILED)
    except host.StartError as error:
        if options.json:
            _printer(out)({"event": "error", "message": str(error)})
        return _fail(str(error), False, _UNUSABLE if isinstance(error, host.UnusableError) else _FAILED)
    except Exception as error:
        traceback.print_exc()
        message = f"the embedded cloud failed ({type(error).__name__}: {error}); the trace on stderr says where"
        if options.json:
            _printer(out)({"event": "error", "message": message})
        return _fail(message, False, _FAILED)
    return 0


def _writable(path: Path) -> bool:
    if path.exists():
        return path.is_file() and os.access(path, os.W_OK)
    return path.absolute().parent.is_dir() and os.access(path.absolute().parent, os.W_OK)


def _fail(message: str, as_json: bool, code: int = _UNUSABLE) -> int:
    if as_json:
        print(json.dumps({"event": "error", "message": message}), flush=True)
    print(f"cpaas-local: {message}", file=sys.stderr)
    return code


def _printer(out: Any) -> Any:
    def print_event(event: dict[str, Any]) -> None:
        print(json.dumps(event), file=out, flush=True)

    return print_event


def _narrator(out: Any) -> Any:
    live = sys.stderr.isatty()

    def narrate(event: dict[str, Any]) -> None:
        if event["event"] == "ready":
            if live:
                print("\r\x1b[K", end="", file=sys.stderr)
            print(_exports(event), file=out, flush=True)
            print("running; Ctrl-C ends it", file=sys.stderr)
        elif live:
            of = f"{event['done']}/{event['total']} " if event["total"] else ""
            print(f"\r\x1b[K{event['stage']}: {of}{event['detail']}"[:110], end="", file=sys.stderr, flush=True)
        elif event["stage"] != "provision" or event["done"] == event["total"]:
            print(f"{event['stage']}: {event['detail']}", file=sys.stderr)

    return narrate


def _exports(ready: dict[str, Any]) -> str:
    lines = {
        "AWS_ENDPOINT_URL": ready["endpoint_url"],
        "AWS_ACCESS_KEY_ID": ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ready["secret_access_key"],
        "AWS_REGION": ready["region"],
        "AWS_DEFAULT_REGION": ready["region"],
    }
    exports = "\n".join(f"export {name}={value}" for name, value in lines.items())
    return f"{exports}\n# outputs: {ready['outputs_file']}"


if __name__ == "__main__":
    sys.exit(main())
