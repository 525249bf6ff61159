"""Row `imports`: what importing each function costs a cold start, beside one botocore client.

Each import runs in a fresh interpreter; the least of a few runs counts.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

from bench.report import Measure
from lambdas.core.environment import FunctionEnvironment

ROOT = Path(__file__).parents[1]
FUNCTIONS = (
    "campaign_api",
    "campaign_planner",
    "campaign_worker",
    "delivery_processor",
    "campaign_counters",
    "sweeper",
)
ONE_CLIENT = (
    "import botocore.session; from botocore.config import Config; "
    "botocore.session.get_session().create_client('dynamodb', config=Config(retries={'mode': 'standard'}))"
)
BOTO3_CLIENT = "import boto3; boto3.client('dynamodb')"
MOST = 1.25
SAMPLES = {str: "x", int: "1", float: "1", bool: "true"}


def run(brief: bool) -> list[Measure]:
    """Milliseconds and modules of each handler."""
    runs = 2 if brief else 7
    statements = {name: f"import lambdas.{name}.handler" for name in FUNCTIONS}
    found = _interleaved({"botocore": ONE_CLIENT, "boto3": BOTO3_CLIENT, **statements}, runs)
    times = {"botocore + 1 client": found["botocore"][0], "boto3 + 1 client": found["boto3"][0]}
    modules = {"botocore + 1 client": found["botocore"][1], "boto3 + 1 client": found["boto3"][1]}
    measures = []
    for name in FUNCTIONS:
        milliseconds, count = found[name]
        holds = milliseconds <= MOST * found["botocore"][0]
        measures += [
            Measure("imports", name, "ms", milliseconds, times, f"<= {MOST} x botocore", holds),
            Measure("imports", f"{name}, modules", "modules", count, modules),
        ]
    return measures


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
        "import sys, time; before = len(sys.modules); began = time.perf_counter()\n"
        f"{statement}\n"
        "print((time.perf_counter() - began) * 1000, len(sys.modules) - before)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env=_environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    milliseconds, modules = ended.stdout.split()
    return float(milliseconds), int(modules)


def _environment() -> dict[str, str]:
    """Every variable that any function reads, with a value of its type, and credentials that lead nowhere."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    for name in FUNCTIONS:
        module = importlib.import_module(f"lambdas.{name}.settings")
        for settings in vars(module).values():
            if isinstance(settings, type) and issubclass(settings, FunctionEnvironment) and name == settings.FUNCTION:
                hints = get_type_hints(settings)
                environment |= {
                    variable: SAMPLES[hints[field]] for field, variable in settings.variable_names().items()
                }
    return {**environment, "ENVIRONMENT": "dev", "LOG_LEVEL": "INFO"}
