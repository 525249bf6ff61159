"""The console's own calls: how long, how many failed, what they cost, from botocore's events and over a socket."""

from __future__ import annotations

import socket

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from console.calls import MOST_RECENT, WINDOW, ApiStats, CallMeter, percentile_ms
from console.domain import ConsoleError
from console.sources.api import HttpCampaignApi
from console.sources.clients import Clients, local_target
from console.spend import SpendMeter
from tests.support.json_server import JsonServer

ACCOUNT = "000000000000"


def stats_of(clients: Clients, name: str) -> ApiStats:
    (found,) = [each for each in clients.usage().apis if each.name == name]
    return found


def test_each_call_is_timed_and_failures_keep_their_code() -> None:
    with JsonServer() as server:
        clients = Clients(local_target(server.url, ACCOUNT, "us-east-1"))
        sqs = clients.client("sqs")
        server.replies = [(200, {"Attributes": {}})]
        for _ in range(3):
            sqs.get_queue_attributes(QueueUrl=f"{server.url}/queue")
        assert (stats_of(clients, "sqs:GetQueueAttributes").errors, clients.usage().per_second > 0) == (0, True)
        server.replies = [(400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"})]
        with pytest.raises(ClientError):
            sqs.get_queue_attributes(QueueUrl=f"{server.url}/queue")
    found = stats_of(clients, "sqs:GetQueueAttributes")
    assert (found.calls, found.errors) == (4, 1)
    assert "QueueDoesNotExist" in found.last_error
    assert found.p50_ms is not None
    assert found.p95_ms is not None
    assert 0 < found.p50_ms <= found.p95_ms
    assert found.usd == pytest.approx(4 * 0.40e-6)


def test_a_call_without_an_answer_is_a_failure_of_its_kind() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        clients = Clients(local_target(url, ACCOUNT, "us-east-1"))
        with pytest.raises(EndpointConnectionError):
            clients.client("sts").get_caller_identity()
    found = stats_of(clients, "sts:GetCallerIdentity")
    assert (found.calls, found.errors, found.last_error) == (2, 1, "EndpointConnectionError")


def test_the_signed_api_is_timed_like_aws() -> None:
    with JsonServer() as server:
        server.replies = [(200, {"campaigns": []}), (403, {"message": "Forbidden"})]
        clients = Clients(local_target(server.url, ACCOUNT, "us-east-1"))
        api = HttpCampaignApi(f"{server.url}/_aws/execute-api/abc/$default", "local", clients, wait=lambda _: None)
        api.ping()
        with pytest.raises(ConsoleError):
            api.ping()
    found = stats_of(clients, "execute-api:Invoke")
    assert (found.calls, found.errors, found.last_error) == (2, 1, "403")


def test_only_the_last_calls_are_kept_and_the_rate_is_that_of_a_minute() -> None:
    now = [1_000.0]
    meter, spend = CallMeter(lambda: now[0]), SpendMeter()
    for _ in range(WINDOW):
        meter.note("sqs:ReceiveMessage", 9.0, "Slow")
    for _ in range(WINDOW):
        meter.note("sqs:ReceiveMessage", 0.010)
    now[0] += 61.0
    for number in range(30):
        meter.note("sts:GetCallerIdentity", 0.001 * number)
    spend.count("cloudwatch:DescribeAlarms")
    usage = meter.usage(spend)
    by_name = {each.name: each for each in usage.apis}
    assert usage.per_second == 0.5
    assert by_name["sqs:ReceiveMessage"].calls == 2 * WINDOW
    assert by_name["sqs:ReceiveMessage"].errors == WINDOW
    assert by_name["sqs:ReceiveMessage"].p95_ms == pytest.approx(10.0)
    assert (by_name["sts:GetCallerIdentity"].p50_ms, by_name["sts:GetCallerIdentity"].p95_ms) == (14.0, 28.0)
    assert by_name["cloudwatch:DescribeAlarms"] == ApiStats("cloudwatch:DescribeAlarms", 1, 0, "", None, None, 0.01e-3)
    for _ in range(2 * MOST_RECENT):
        meter.note("sqs:ReceiveMessage", 0.0)
    assert meter.per_second() == MOST_RECENT / 60.0


def test_an_error_inside_is_noted_and_goes_on_its_way() -> None:
    meter = CallMeter()
    with pytest.raises(ZeroDivisionError), meter.timed("a:B"):
        _ = 1 // 0
    (found,) = meter.usage(SpendMeter()).apis
    assert (found.errors, found.last_error) == (1, "ZeroDivisionError")
    assert percentile_ms([], 0.5) is None


def test_dollars_are_kept_by_api_and_add_up() -> None:
    spend = SpendMeter()
    spend.count("dynamodb:Query")
    spend.count_read_units(1_000_000, "dynamodb:Query")
    spend.count_metrics(1_000)
    by_call = spend.by_call()
    query = by_call["dynamodb:Query"]
    assert (query.calls, query.usd) == pytest.approx((1, 0.125))
    assert (by_call["cloudwatch:GetMetricData"].calls, by_call["cloudwatch:GetMetricData"].usd) == (0, 0.01)
    assert (spend.use.calls, spend.use.usd) == pytest.approx((1, 0.135))
