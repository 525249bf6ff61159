"""The runtime inside a function's process: imports the handler once, then answers invocations, as AWS's runtime does.

Run as a script by a clean interpreter; imports nothing but the standard library. The handler's stdout and stderr are
its log. Requests arrive on stdin and answers leave on the descriptor named by the first argument, one JSON line each.
Before an answer the log gets one line that ends the invocation, so the host knows that it has read all of it.
"""

import datetime
import importlib
import io
import json
import logging
import os
import resource
import sys
import threading
import time
import traceback
from typing import Any

LOG_END = "\x1d"
"""Starts the line that ends an invocation's log (ASCII group separator)."""
LINE_BREAK = "\x1e"
"""Stands for a line break inside one log record (ASCII record separator): a record is one event on AWS."""
_ORPHAN_CHECK_SECONDS = 1.0

_current = {"request_id": ""}


class _LambdaContext:
    """The second argument of a handler."""

    def __init__(self, init: dict[str, Any], call: dict[str, Any]) -> None:
        self.aws_request_id = call["request_id"]
        self.function_name = init["function_name"]
        self.function_version = init["version"]
        self.invoked_function_arn = call["invoked_function_arn"]
        self.memory_limit_in_mb = init["memory"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + call["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class _TextFormatter(logging.Formatter):
    """AWS's line: `[LEVEL]<tab>2026-01-31T10:20:30.123Z<tab>request id<tab>message`."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"[{record.levelname}]\t{_timestamp(record.created)}\t{_current['request_id']}\t{text}"


class _JsonFormatter(logging.Formatter):
    """AWS's JSON log format (Lambda developer guide, "Using Lambda advanced logging controls with Python")."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "timestamp": _timestamp(record.created)[:-5] + "Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": _current["request_id"],
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["stackTrace"] = self.formatException(record.exc_info).splitlines()
            entry["errorType"] = record.exc_info[0].__name__
            entry["errorMessage"] = str(record.exc_info[1])
        return json.dumps(entry, ensure_ascii=False, default=str)


class _RecordHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes each record as one event, line breaks included."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", LINE_BREAK)


def _timestamp(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _set_up_logging() -> None:
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "Text").lower() == "json"
    handler = _RecordHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level))


def _leave_when_orphaned(parent: int) -> None:
    """A busy handler reads no end-of-file, so a host that was killed is noticed here."""
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK_SECONDS)
    os._exit(1)


def _failure(error: BaseException, *, hide: int) -> dict[str, Any]:
    """AWS's error document; `hide` innermost-first frames of this runtime are left out of the stack trace."""
    frames = traceback.extract_tb(error.__traceback__)[hide:]
    trace = [f'  File "{f.filename}", line {f.lineno}, in {f.name}\n    {f.line}\n' for f in frames]
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


def _import_failure(name: str, error: BaseException) -> dict[str, Any]:
    if isinstance(error, ImportError):
        message, kind = f"Unable to import module '{name}': {error}", "Runtime.ImportModuleError"
    elif isinstance(error, SyntaxError):
        message, kind = f"Syntax error in module '{name}': {error}", "Runtime.UserCodeSyntaxError"
    else:
        return _failure(error, hide=1)
    return {"errorMessage": message, "errorType": kind, "stackTrace": []}


def _load(handler: str) -> tuple[Any, dict[str, Any] | None]:
    module_name, _, function_name = handler.replace("/", ".").rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except BaseException as error:  # a module may call sys.exit(); AWS reports that as a failed init too
        return None, _import_failure(module_name, error)
    if not hasattr(module, function_name):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        return None, {"errorMessage": message, "errorType": "Runtime.HandlerNotFound", "stackTrace": []}
    return getattr(module, function_name), None


def _log_failure(document: dict[str, Any]) -> None:
    """The log event AWS's runtime writes for an unhandled error."""
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "Text").lower() == "json":
        entry = {"timestamp": _timestamp(time.time()), "log_level": "ERROR", **document}
        sys.stderr.write(json.dumps(entry, ensure_ascii=False) + "\n")
        return
    text = f"[ERROR] {document['errorType']}: {document['errorMessage']}"
    if document["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(document["stackTrace"]).rstrip("\n")
    sys.stderr.write(text.replace("\n", LINE_BREAK) + "\n")


def _invoke(handler: Any, init: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    if call.get("trace_id"):
        os.environ["_X_AMZN_TRACE_ID"] = call["trace_id"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        result = handler(call["event"], _LambdaContext(init, call))
    except Exception as error:  # the function's own; the environment survives it, as on AWS
        document = _failure(error, hide=1)
    else:
        try:
            return {"status": "ok", "result": json.loads(json.dumps(result))}
        except (TypeError, ValueError) as error:
            message = f"Unable to marshal response: {error}"
            document = {"errorMessage": message, "errorType": "Runtime.MarshalError", "stackTrace": []}
    _log_failure(document)
    return {"status": "error", "error": document}


def main() -> None:
    """Serve invocations until stdin ends."""
    answers = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
    init = json.loads(requests.readline())
    threading.Thread(target=_leave_when_orphaned, args=(init["host_pid"],), daemon=True).start()
    sys.path[:0] = init["path"]
    _set_up_logging()

    def reply(answer: dict[str, Any], request_id: str) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, f"{LOG_END}{request_id}\n".encode())
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "darwin" else 1024)
        answers.write(json.dumps({**answer, "max_memory_mb": used}) + "\n")
        answers.flush()

    handler, problem = _load(init["handler"])
    if problem is not None:
        _log_failure(problem)
        reply({"status": "error", "error": problem}, "")
        sys.exit(1)
    reply({"status": "ready"}, "")
    for line in requests:
        call = json.loads(line)
        _current["request_id"] = call["request_id"]
        reply(_invoke(handler, init, call), call["request_id"])


if __name__ == "__main__":
    main()
