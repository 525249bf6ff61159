"""Functions run as on Lambda: a clean interpreter, AWS's errors, exact logs, time-outs, one process per environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localcloud.launch import LocalCloud


@pytest.fixture
def invoke(bare_cloud: LocalCloud) -> Callable[..., Any]:
    functions = bare_cloud.client("lambda")

    def call(name: str, event: Any = None) -> Any:
        return json.load(functions.invoke(FunctionName=name, Payload=json.dumps(event or {}))["Payload"])

    return call


@pytest.fixture
def logged(bare_cloud: LocalCloud) -> Callable[[str], list[str]]:
    logs = bare_cloud.client("logs")

    def messages(group: str) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]

    return messages


def test_the_interpreter_has_the_image_and_the_layer_and_nothing_else(
    deploy_function: Any, invoke: Callable[..., Any]
) -> None:
    source = """
import importlib.util
def handler(event, context):
    return [name for name in event["names"] if importlib.util.find_spec(name)]
"""
    image = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]
    layer = ["cryptography", "jwt", "phonenumbers", "tzdata"]
    absent = ["pulumi", "ministack", "localcloud", "lambdas", "textual", "pip", "setuptools", "yaml", "hypercorn"]
    assert invoke(deploy_function(source), {"names": image + layer + absent}) == image + layer


def test_what_the_layers_packages_need_in_turn_is_there(deploy_function: Any, invoke: Callable[..., Any]) -> None:
    source = """
def handler(event, context):
    from jwt.algorithms import RSAAlgorithm
    return RSAAlgorithm.__name__
"""
    assert invoke(deploy_function(source)) == "RSAAlgorithm"


def test_a_missing_dependency_fails_as_on_aws(deploy_function: Any, invoke: Callable[..., Any]) -> None:
    name = deploy_function("import yaml\ndef handler(event, context):\n    return 1\n")
    for _ in range(2):
        answer = invoke(name)
        assert answer["errorType"] == "Runtime.ImportModuleError"
        assert answer["errorMessage"] == "Unable to import module 'index': No module named 'yaml'"


@pytest.mark.parametrize(
    ("settings", "source", "kind"),
    [
        ({"Handler": "index.absent"}, "x = 1\n", "Runtime.HandlerNotFound"),
        ({}, "def handler(:\n", "Runtime.UserCodeSyntaxError"),
        ({}, "1 / 0\n", "ZeroDivisionError"),
        ({}, "def handler(event, context):\n    return object()\n", "Runtime.MarshalError"),
        ({}, "import os\ndef handler(event, context):\n    os._exit(3)\n", "Runtime.ExitError"),
    ],
)
def test_failures_have_awss_error_types(
    settings: dict[str, Any], source: str, kind: str, deploy_function: Any, invoke: Callable[..., Any]
) -> None:
    assert invoke(deploy_function(source, **settings))["errorType"] == kind


def test_an_exception_keeps_its_environment(
    bare_cloud: LocalCloud, deploy_function: Any, invoke: Callable[..., Any]
) -> None:
    source = """
import os
class Odd(Exception):
    pass
def inner():
    raise Odd("no")
def handler(event, context):
    if event.get("fail"):
        inner()
    return os.getpid()
"""
    name = deploy_function(source)
    pid = invoke(name)
    response = bare_cloud.client("lambda").invoke(FunctionName=name, Payload=b'{"fail": true}')
    assert response["FunctionError"] == "Unhandled"
    error = json.load(response["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("Odd", "no")
    assert [line.split(", ")[2].split("\n")[0] for line in error["stackTrace"]] == ["in handler", "in inner"]
    assert error["requestId"]
    assert invoke(name) == pid


def test_the_log_holds_every_line_of_its_invocation_and_no_other(
    deploy_function: Any, invoke: Callable[..., Any], logged: Callable[[str], list[str]]
) -> None:
    source = """
import logging, sys, os
logging.getLogger().setLevel("INFO")
def handler(event, context):
    n = event["n"]
    print(f"out {n}")
    sys.stderr.write(f"err {n}\\n")
    os.write(1, f"raw {n}\\n".encode())
    logging.info("two\\nlines %s", n)
    for i in range(event.get("many", 0)):
        print(f"bulk {n} {i}")
    return context.aws_request_id
"""
    name = deploy_function(source)
    ids = [invoke(name, {"n": 1}), invoke(name, {"n": 2, "many": 3000})]
    lines = logged(f"/aws/lambda/{name}")
    first = lines[: next(i for i, line in enumerate(lines) if line.startswith(f"START RequestId: {ids[1]}"))]
    assert first[0] == f"START RequestId: {ids[0]} Version: $LATEST"
    assert first[1:4] == ["out 1", "err 1", "raw 1"]
    level, stamp, request, text = first[4].split("\t")
    assert (level, request, text) == ("[INFO]", ids[0], "two\nlines 1")
    assert len(stamp) == len("2026-01-31T10:20:30.123Z")
    assert first[5] == f"END RequestId: {ids[0]}"
    assert first[6].startswith(f"REPORT RequestId: {ids[0]}\tDuration: ")
    assert "Init Duration" in first[6]
    second = lines[len(first) :]
    assert [line for line in second if line.startswith("bulk")] == [f"bulk 2 {i}" for i in range(3000)]
    assert "Init Duration" not in second[-1]


def test_the_json_log_format_and_level_are_honoured(
    bare_cloud: LocalCloud,
    unique: str,
    deploy_function: Any,
    invoke: Callable[..., Any],
    logged: Callable[[str], list[str]],
) -> None:
    source = """
import logging
def handler(event, context):
    logging.getLogger("mine").info("hello %s", "you")
    logging.getLogger("mine").debug("not this")
"""
    group = f"/own/{unique}"
    bare_cloud.client("logs").create_log_group(logGroupName=group)
    name = deploy_function(
        source, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": group}
    )
    invoke(name)
    start, record, report = [json.loads(line) for line in logged(group)]
    assert (start["type"], report["type"]) == ("platform.start", "platform.report")
    assert report["record"]["status"] == "success"
    assert {k: record[k] for k in ("level", "message", "logger", "requestId")} == {
        "level": "INFO",
        "message": "hello you",
        "logger": "mine",
        "requestId": start["record"]["requestId"],
    }


def test_a_function_that_takes_too_long_is_ended(
    deploy_function: Any, invoke: Callable[..., Any], logged: Callable[[str], list[str]]
) -> None:
    source = """
import os, time
def handler(event, context):
    print("before")
    time.sleep(event.get("sleep", 0))
    return os.getpid()
"""
    name = deploy_function(source, Timeout=1)
    pid = invoke(name)
    answer = invoke(name, {"sleep": 30})
    assert answer["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert any(line.endswith("Task timed out after 1.00 seconds") for line in logged(f"/aws/lambda/{name}"))
    assert logged(f"/aws/lambda/{name}").count("before") == 2
    assert invoke(name) != pid


def test_context_and_environment_are_awss(deploy_function: Any, invoke: Callable[..., Any]) -> None:
    source = """
import os
def handler(event, context):
    return {
        "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb, "name": context.function_name,
        "left": context.get_remaining_time_in_millis(), "group": context.log_group_name,
        "environment": {k: v for k, v in os.environ.items()}, "cwd": os.getcwd(),
    }
"""
    name = deploy_function(source, variables={"MINE": "1", "AWS_REGION": "eu-west-1"}, MemorySize=256, Timeout=7)
    seen = invoke(name)
    assert seen["arn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    assert (seen["name"], seen["memory"], seen["group"]) == (name, "256", f"/aws/lambda/{name}")
    assert 0 < seen["left"] <= 7000
    environment = seen["environment"]
    assert (environment["MINE"], environment["AWS_REGION"]) == ("1", "us-east-1")
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["LAMBDA_TASK_ROOT"] == seen["cwd"]
    assert not {"HOME", "GATEWAY_PORT", "AUTH", "STATE_DIR", "VIRTUAL_ENV", "PYTHONPATH"} & set(environment)


def test_packages_in_the_archive_import_by_their_names(deploy_function: Any, invoke: Callable[..., Any]) -> None:
    name = deploy_function(
        "",
        files={
            "lambdas/__init__.py": "",
            "lambdas/core/one.py": "ONE = 1\n",
            "lambdas/two/handler.py": "from lambdas.core.one import ONE\n\n\ndef handler(*_):\n    return ONE\n",
        },
        Handler="lambdas.two.handler.handler",
    )
    assert invoke(name) == 1


def test_code_comes_before_layers(
    bare_cloud: LocalCloud, unique: str, deploy_function: Any, invoke: Callable[..., Any]
) -> None:
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("python/both.py", "WHERE = 'layer'\n")
        zipped.writestr("python/only_layer.py", "WHERE = 'layer'\n")
    layer = bare_cloud.client("lambda").publish_layer_version(
        LayerName=unique, Content={"ZipFile": archive.getvalue()}
    )["LayerVersionArn"]
    source = "import both, only_layer\ndef handler(event, context):\n    return [both.WHERE, only_layer.WHERE]\n"
    name = deploy_function(source, files={"both.py": "WHERE = 'code'\n"}, Layers=[layer])
    assert invoke(name) == ["code", "layer"]


def test_calls_at_the_same_time_have_processes_of_their_own(deploy_function: Any, invoke: Callable[..., Any]) -> None:
    source = """
import os, time
def handler(event, context):
    time.sleep(0.3)
    return os.getpid()
"""
    name = deploy_function(source)
    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(lambda _: invoke(name), range(3)))) == 3


def test_new_code_is_used_at_the_next_call(
    bare_cloud: LocalCloud, deploy_function: Any, invoke: Callable[..., Any]
) -> None:
    import io
    import zipfile

    name = deploy_function("def handler(event, context):\n    return 1\n")
    assert invoke(name) == 1
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", "def handler(event, context):\n    return 2\n")
    bare_cloud.client("lambda").update_function_code(FunctionName=name, ZipFile=archive.getvalue())
    assert invoke(name) == 2


def test_an_execution_role_is_enforced(bare_cloud: LocalCloud, unique: str, deploy_function: Any, invoke: Any) -> None:
    table = bare_cloud.client("dynamodb")
    table.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    source = """
import boto3
def handler(event, context):
    table = boto3.client("dynamodb")
    key = {"pk": {"S": "1"}}
    table.get_item(TableName=event["table"], Key=key)
    try:
        table.put_item(TableName=event["table"], Item=key)
    except table.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""
    grant = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": f"arn:aws:dynamodb:*:*:table/{unique}"}
    name = deploy_function(source, statements=[grant])
    assert invoke(name, {"table": unique}) == "AccessDeniedException"
    table.delete_table(TableName=unique)
