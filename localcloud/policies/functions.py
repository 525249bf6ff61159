"""Rules for functions and what invokes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import Registration, Unknown
from localcloud.policies.rule import Fault, Rule, differs, lacks, policy_of
from localcloud.view import View, inside

CURRENT_RUNTIMES = frozenset({"python3.13", "python3.14"})
"""Both on Amazon Linux 2023 and supported until 2029-06-30 (Lambda developer guide, "Lambda runtimes")."""

DEFAULT_TIMEOUT_SECONDS = 3
API_GATEWAY = "apigateway.amazonaws.com"

_ACCOUNT_IN_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[0-9]{12}:")


def _failures_kept(view: View) -> Iterator[Fault]:
    """A queue's messages survive a failure by themselves, an API's caller sees it; the rest needs a destination."""
    for function in view.of(types.FUNCTION):
        mappings = view.pointing(function, types.EVENT_SOURCE_MAPPING, "functionName")
        configured = view.pointing(function, types.FUNCTION_INVOKE_CONFIG, "functionName")
        kept = (
            any(_mapping_keeps(view, mapping) for mapping in mappings)
            or any(not lacks(inside(item.inputs, "destinationConfig", "onFailure")) for item in configured)
            or not lacks(function.inputs.get("deadLetterConfig"))
            or _behind_api(view, function)
        )
        if not kept:
            yield Fault(
                function.urn,
                "loses the event it fails on; put a queue in front of it, or give it an on-failure destination",
            )


def _mapping_keeps(view: View, mapping: Registration) -> bool:
    if view.pointed(mapping, "eventSourceArn", types.QUEUE) is not None:
        return True
    return not lacks(inside(mapping.inputs, "destinationConfig", "onFailure"))


def _behind_api(view: View, function: Registration) -> bool:
    permissions = view.pointing(function, types.PERMISSION, "function")
    return any(item.inputs.get("principal") == API_GATEWAY for item in permissions)


def _tracing(view: View) -> Iterator[Fault]:
    for function in view.of(types.FUNCTION):
        if policy_of(function).tracing and differs(inside(function.inputs, "tracingConfig", "mode"), "Active"):
            yield Fault(function.urn, "leaves no traces; set tracing_config.mode to Active")


def _timeout(view: View) -> Iterator[Fault]:
    for function in view.of(types.FUNCTION):
        if function.inputs.get("timeout", DEFAULT_TIMEOUT_SECONDS) == DEFAULT_TIMEOUT_SECONDS:
            yield Fault(function.urn, "has the default time-out of 3 s, which nobody chose; set timeout")


def _runtime(view: View) -> Iterator[Fault]:
    for function in view.of(types.FUNCTION):
        runtime = function.inputs.get("runtime")
        if isinstance(runtime, str) and runtime not in CURRENT_RUNTIMES:
            yield Fault(function.urn, f"runs on {runtime}; use one of {', '.join(sorted(CURRENT_RUNTIMES))}")


def _architecture(view: View) -> Iterator[Fault]:
    for function in view.of(types.FUNCTION):
        if differs(function.inputs.get("architectures"), ["arm64"]):
            yield Fault(function.urn, "runs on x86, which costs a quarter more; set architectures to arm64")


def _log_group(view: View) -> Iterator[Fault]:
    for function in view.of(types.FUNCTION):
        if view.pointed(function, "loggingConfig", types.LOG_GROUP) is None:
            yield Fault(
                function.urn,
                "logs into a group that Lambda makes without retention and key; set logging_config.log_group to "
                "a LogGroup of the program",
            )


def _concurrency(view: View) -> Iterator[Fault]:
    """Reserved concurrency bounds a function behind an API, and so does a throttled stage."""
    for function in view.of(types.FUNCTION):
        if not _behind_api(view, function):
            continue
        reserved = function.inputs.get("reservedConcurrentExecutions", -1)
        bounded = isinstance(reserved, Unknown) or (isinstance(reserved, int) and reserved >= 0)
        if not bounded and not all(_throttled(stage) for stage in _stages(view, function)):
            yield Fault(
                function.urn,
                "can be made to take all of the account's concurrency by callers of its API; throttle the stage or "
                "set reserved_concurrent_executions",
            )


def _stages(view: View, function: Registration) -> list[Registration]:
    permissions = view.pointing(function, types.PERMISSION, "function")
    apis = [api for item in permissions if (api := view.pointed(item, "sourceArn", types.API)) is not None]
    return [stage for api in apis for stage in view.pointing(api, types.API_STAGE, "apiId")]


def _throttled(stage: Registration) -> bool:
    return not lacks(inside(stage.inputs, "defaultRouteSettings", "throttlingRateLimit"))


def _permissions_bound(view: View) -> Iterator[Fault]:
    for item in view.of(types.PERMISSION):
        source = item.inputs.get("sourceArn")
        if lacks(source):
            yield Fault(item.urn, "lets any resource of that service invoke the function; set source_arn")
        elif isinstance(source, str) and not _ACCOUNT_IN_ARN.match(source) and lacks(item.inputs.get("sourceAccount")):
            yield Fault(item.urn, "names a source without an account; set source_account")


def _partial_failures(view: View) -> Iterator[Fault]:
    for mapping in view.of(types.EVENT_SOURCE_MAPPING):
        reports = mapping.inputs.get("functionResponseTypes")
        if differs(reports, ["ReportBatchItemFailures"]):
            yield Fault(
                mapping.urn,
                "has a whole batch repeated for one bad record; set function_response_types to "
                "ReportBatchItemFailures and report them",
            )


def _mapping_concurrency(view: View) -> Iterator[Fault]:
    for mapping in view.of(types.EVENT_SOURCE_MAPPING):
        if view.pointed(mapping, "eventSourceArn", types.QUEUE) is None:
            continue
        if lacks(inside(mapping.inputs, "scalingConfig", "maximumConcurrency")):
            yield Fault(mapping.urn, "may take all of the account's concurrency; set scaling_config")


RULES = (
    Rule(
        "function-failures",
        "What a function fails on is kept: by the queue before it, a dead-letter queue or an on-failure destination.",
        _failures_kept,
        cdk_nag="LambdaDLQ",
    ),
    Rule(
        "function-tracing",
        "A function is traced where the environment asks for it.",
        _tracing,
        cdk_nag="LambdaTracing",
    ),
    Rule("function-timeout", "A function's time-out was chosen.", _timeout, cdk_nag="LambdaFunctionDefaultTimeout"),
    Rule("function-runtime", "A function runs on a current runtime.", _runtime, cdk_nag="AwsSolutions-L1"),
    Rule("function-arm64", "A function runs on arm64.", _architecture),
    Rule("function-log-group", "A function logs into a log group of the program.", _log_group),
    Rule(
        "function-concurrency",
        "The concurrency of a function behind an API is bounded.",
        _concurrency,
        cdk_nag="LambdaConcurrency",
    ),
    Rule("permission-source", "A permission to invoke a function names its source and account.", _permissions_bound),
    Rule("mapping-partial-failures", "A mapping lets its function report single records.", _partial_failures),
    Rule("mapping-concurrency", "A queue's mapping bounds its function's concurrency.", _mapping_concurrency),
)
