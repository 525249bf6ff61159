"""The program's evaluation in a process of its own: it takes memory and CPU that the cloud should keep.

Run as `python -m localcloud.evaluation`; the request is one JSON line on stdin, events leave as JSON lines on stdout:
`progress` (done, total, detail), then `provisioned` (outputs, recorded) or `error` (message, unusable).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

OnProgress = Callable[[int, int | None, str], None]
_LINE_LIMIT = 16 * 1024 * 1024


class EvaluationError(RuntimeError):
    """The program could not be brought about, in one sentence; `unusable`: its stack has no usable config."""

    def __init__(self, message: str, *, unusable: bool = False) -> None:
        super().__init__(message)
        self.unusable = unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What to provision, and where."""

    stack: str
    endpoint_url: str
    region: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Stack outputs, and the resource types that nothing emulates."""

    outputs: dict[str, Any]
    recorded: list[str]


class Evaluation:
    """A running evaluation; start it early, for its imports take longer than the cloud's own start."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, request: EvaluationRequest, environment: dict[str, str], log: Any) -> Evaluation:
        """Start the process; `log` is a file for what it says beside events."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment,
            limit=_LINE_LIMIT,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        await process.stdin.drain()
        return cls(process)

    async def finish(self, on_progress: OnProgress) -> Evaluated:
        """Follow it to its end; raises `EvaluationError`."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "progress":
                on_progress(event["done"], event["total"], event["detail"])
            elif event["event"] == "provisioned":
                return Evaluated(event["outputs"], event["recorded"])
            else:
                raise EvaluationError(event["message"], unusable=event["unusable"])
        code = await self._process.wait()
        raise EvaluationError(f"the program's evaluation ended without a result (exit {code})")

    async def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def main() -> None:
    """Evaluate the program as the line on stdin says."""
    gc.disable()  # a process of seconds, and nearly all that it makes stays until its end
    from localcloud.lifetime import when_parent_leaves

    request = EvaluationRequest(**json.loads(sys.stdin.buffer.readline()))
    when_parent_leaves(os._exit, 1)
    # The program may print; only events may reach stdout.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: str, **fields: Any) -> None:
        events.write(json.dumps({"event": event, **fields}) + "\n")
        events.flush()

    def on_progress(done: int, total: int | None, detail: str) -> None:
        emit("progress", done=done, total=total, detail=detail)

    from localcloud.program import ProgramError, provision_stack
    from localcloud.stack_config import StackConfigError

    try:
        done = provision_stack(**asdict(request), on_progress=on_progress)
    except (ProgramError, StackConfigError) as error:
        emit("error", message=str(error), unusable=isinstance(error, StackConfigError))
        sys.exit(1)
    emit("provisioned", outputs=done.outputs, recorded=done.recorded)


if __name__ == "__main__":
    main()
