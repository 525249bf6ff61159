"""Row `imports`: what importing each function costs a cold start, beside bare botocore making the same clients.

The authorizer makes none: it has bars of its own, without a token and with one, beside PyJWT.

Each import runs in a fresh interpreter; the least of a few runs counts. Bytecode is cached, as in a function that has
been deployed with its layer compiled. The time is the processor's: on an idle machine an import takes no longer, and on
a busy one this alone tells the import from its neighbours.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_type_hints

from bench.report import Measure
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.pumping_guard import GuardLimits

ROOT = Path(__file__).parents[1]
FUNCTIONS = (
    "campaign_api",
    "campaign_planner",
    "campaign_worker",
    "delivery_processor",
    "message_sender",
    "campaign_counters",
    "sweeper",
    "fallback",
    "session_connection",
    "session_heartbeat",
    "session_refresh",
    "session_broadcaster",
    "session_disconnect",
    "session_notifier",
)
BARE = (
    "import botocore.session; from botocore.config import Config; session = botocore.session.get_session(); "
    "config = Config(retries={{'mode': 'standard'}}); "
    "clients = [session.create_client(name, config=config) for name in {services}]"
)
MOST = 1.25
AUTHORIZER = "import lambdas.session_authorizer.handler as authorizer"
AUTHORIZER_ROWS = {
    "session_authorizer, no token": (AUTHORIZER, 60),
    "session_authorizer, a token": (f"{AUTHORIZER}; authorizer.speakers()", 160),
}
"""What is imported, and the most milliseconds of it."""
RECORDED = (
    "import botocore.session as sessions; made = []; create = sessions.Session.create_client; "
    "sessions.Session.create_client = lambda self, name, *a, **k: made.append(name) or create(self, name, *a, **k); "
    "import lambdas.{function}.handler; print(*dict.fromkeys(made))"
)
"""Prints the services of the clients that a function makes when it is imported."""
FIELD_SAMPLES = {
    "channel": "sms",
    "jwks_url": "https://127.0.0.1/",
    "prices": "{}",
    "pumping_guard": GuardLimits().to_text(),
    "channels": '{"sms": {"identity": "", "work_queue_url": "x", "parts_per_second": 1, "requests_per_second": 1}}',
}
SAMPLES = {str: "x", int: "1", float: "1", bool: "true"}


def run(brief: bool) -> list[Measure]:
    """Milliseconds and modules of each handler."""
    runs = 2 if brief else 7
    services = {name: _services(name) for name in FUNCTIONS}
    statements = {f"bare {name}": BARE.format(services=services[name]) for name in FUNCTIONS}
    statements |= {"bare": BARE.format(services=["dynamodb"])}
    statements |= {name: f"import lambdas.{name}.handler" for name in FUNCTIONS}
    statements |= {"PyJWT": "import jwt"} | {what: statement for what, (statement, _) in AUTHORIZER_ROWS.items()}
    found = _interleaved(statements, runs)
    measures = []
    for name in FUNCTIONS:
        peers = {
            f"botocore + {', '.join(services[name])}": found[f"bare {name}"],
            "botocore + 1 client": found["bare"],
        }
        milliseconds, modules = found[name]
        measures += [
            Measure(
                "imports",
                name,
                "ms",
                milliseconds,
                {peer: figure[0] for peer, figure in peers.items()},
                f"<= {MOST} x the same clients",
                milliseconds <= MOST * found[f"bare {name}"][0],
            ),
            Measure("imports", f"{name}, modules", "", modules, {"botocore + 1 client": found["bare"][1]}),
        ]
    return [*measures, *_authorizer(found)]


def _authorizer(found: Mapping[str, tuple[float, int]]) -> list[Measure]:
    measures = []
    for what, (_, most) in AUTHORIZER_ROWS.items():
        milliseconds, modules = found[what]
        peers = {peer: found[name] for peer, name in {"PyJWT": "PyJWT", "botocore + 1 client": "bare"}.items()}
        times, counts = ({peer: each[at] for peer, each in peers.items()} for at in (0, 1))
        measures += [
            Measure("imports", what, "ms", milliseconds, times, f"<= {most} ms", milliseconds <= most),
            Measure("imports", f"{what}, modules", "", modules, counts),
        ]
    return measures


def _services(function: str) -> list[str]:
    """The services a function makes clients for when it is imported; a second client of one is its own affair."""
    return _printed(RECORDED.format(function=function)).split()


def _interleaved(statements: dict[str, str], runs: int) -> dict[str, tuple[float, int]]:
    """Name -> (least milliseconds, modules): the statements take turns, so that a busy moment hits none alone."""
    found: dict[str, tuple[float, int]] = {}
    for _ in range(runs):
        for name, statement in statements.items():
            milliseconds, modules = _timed(statement)
            found[name] = min(milliseconds, found.get(name, (milliseconds, 0))[0]), modules
    return found


def _timed(statement: str) -> tuple[float, int]:
    program = (
        "import sys, time; before = len(sys.modules); began = time.process_time()\n"
        f"{statement}\n"
        "print((time.process_time() - began) * 1000, len(sys.modules) - before)"
    )
    milliseconds, modules = _printed(program).split()
    return float(milliseconds), int(modules)


def _printed(program: str) -> str:
    """What a fresh interpreter prints, in the environment of all functions."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=_environment(), cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _environment() -> dict[str, str]:
    """Every variable that any function reads, with a value of its type, and credentials that lead nowhere."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    for name in (*FUNCTIONS, "session_authorizer"):
        module = importlib.import_module(f"lambdas.{name}.settings")
        for settings in vars(module).values():
            if isinstance(settings, type) and issubclass(settings, FunctionEnvironment) and name == settings.FUNCTION:
                hints = get_type_hints(settings)
                environment |= {
                    variable: FIELD_SAMPLES.get(field, SAMPLES[hints[field]])
                    for field, variable in settings.variable_names().items()
                }
    return {**environment, "ENVIRONMENT": "dev", "LOG_LEVEL": "INFO"}
