"""The signed HTTP API: what goes over the wire, verified by botocore's own signer, and each answer's sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from console.campaigns import audience, make_request
from console.domain import CampaignChange, CampaignState, ChangeKind, ConsoleError, ProblemKind
from console.sources.api import HttpCampaignApi
from console.sources.clients import LOCAL_SECRET, Clients, local_target
from console.view.plan import plan_lines
from console.view.segments import Role, plain
from lambdas.core.campaign_request import parse_campaign_request
from lambdas.core.simulator import always_fails, is_simulator
from tests.support.json_server import JsonServer

ACCOUNT = "000000000000"
PATH = "/_aws/execute-api/abc/$default"
PLAN = {
    "dry_run": True,
    "recipients": 2,
    "excluded_by_reason": {"duplicate": 1},
    "parts": 2,
    "cost_usd": 0.01762,
    "duration_seconds": 0.2,
    "by_country": {"US": {"messages": 2, "parts": 2, "cost_usd": 0.01762}},
    "by_channel": {"sms": {"messages": 2, "parts": 2, "cost_usd": 0.01762}},
}


class Api(JsonServer):
    """The campaign API, which answers with a plan until it is told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.replies = [(200, PLAN)]

    def client(self) -> HttpCampaignApi:
        """The console's client of this API."""
        clients = Clients(local_target(self.url, ACCOUNT, "us-east-1"))
        return HttpCampaignApi(f"{self.url}{PATH}", "local", clients, wait=lambda _: None)


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        yield server


def signature_of(server: Api, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """What botocore signs for exactly these bytes at this address at the stated time."""
    signed = {
        name: value
        for name, value in headers.items()
        if name.lower() in headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        and name.lower() != "x-amz-date"
    }
    request = AWSRequest(method, f"http://127.0.0.1:{server.server_port}{path}", headers=signed, data=body)
    signer = SigV4Auth(Credentials(ACCOUNT, LOCAL_SECRET), "execute-api", "us-east-1")
    request.context["timestamp"] = headers["X-Amz-Date"]
    request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))


def test_the_signature_covers_the_bytes_and_address_that_were_sent(api: Api) -> None:
    api.client().plan(make_request(3, 10, "Grüße"))
    (method, path, headers, body) = api.received[0]
    assert (method, path) == ("POST", f"{PATH}/api/send-campaign")
    assert headers["Authorization"].endswith(f"Signature={signature_of(api, method, path, headers, body)}")
    tampered = body.replace(b"sms", b"sns")
    assert signature_of(api, method, path, headers, tampered) not in headers["Authorization"]
    stamp = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(stamp.timestamp() - time.time()) < 60


def test_what_is_sent_is_what_the_function_accepts(api: Api) -> None:
    api.replies = [(202, {"campaign_id": "c-1", "status": "created", "url": "/api/campaigns/c-1"})]
    request = make_request(40, 5.5, "hello")
    accepted = api.client().send(request)
    assert (accepted.id, accepted.status, accepted.url) == ("c-1", "created", "/api/campaigns/c-1")
    (_, _, headers, body) = api.received[0]
    assert headers["Idempotency-Key"] == request.key
    parsed = parse_campaign_request(json.loads(body))
    assert not parsed.dry_run
    assert parsed.throughput_tps == 5.5
    assert len(parsed.recipients) == 40
    assert all(is_simulator(recipient.address) for recipient in parsed.recipients)
    assert sum(always_fails(recipient.address) for recipient in parsed.recipients) == 2


def test_outside_local_only_the_us_simulator_numbers_are_used() -> None:
    assert {user["phone"] for user in audience(40, "prod")} == {"+14254147755", "+14254147167"}
    assert len({user["phone"] for user in audience(2000, "local")}) == 22
    assert len({user["customer_id"] for user in audience(40, "prod")}) == 40


def test_a_plan_tells_when_the_month_s_limit_pauses_it(api: Api) -> None:
    forecast = {"limited_by": "sms_monthly_spend", "pauses_at": "2026-03-02T08:00:50Z"}
    request = make_request(3, 10)
    api.replies = [(200, {**PLAN, "forecast": forecast}), (200, {**PLAN, "forecast": {**forecast, "pauses_at": None}})]
    paused, free = (
        [plain(each) for each in plan_lines(api.client().plan(request), request)] for _ in range(len(api.replies))
    )
    assert [row for row in paused if row not in free] == [
        "pauses          2026-03-02T08:00Z: the month's SMS limit is spent",
        "                resume it when the limit is raised, or on the 1st",
    ]


def test_a_dry_run_is_read_into_a_plan(api: Api) -> None:
    plan = api.client().plan(make_request(3, 10))
    assert json.loads(api.received[0][3])["dry_run"] is True
    assert "Idempotency-Key" not in api.received[0][2]
    assert plan.recipients == 2
    assert plan.by_country == {"US": 2}
    assert plan.excluded_by_reason == {"duplicate": 1}
    assert plan.worst is None


@pytest.mark.parametrize(
    ("most", "with_fallback", "rows"),
    [
        (0.02, 0.02, ["at most         $0.0200", "spend cap       $0.0500: enough for all of it"]),
        (
            0.02,
            0.09,
            [
                "at most         $0.0200, $0.0900 with retries and fallbacks",
                "spend cap       $0.0500: less than it may cost with retries and fallbacks",
            ],
        ),
        (
            0.06,
            0.09,
            [
                "at most         $0.0600, $0.0900 with retries and fallbacks",
                "spend cap       $0.0500: less than it may cost at most",
            ],
        ),
    ],
)
def test_a_plan_tells_the_worst_case_and_whether_the_cap_holds_it(
    api: Api, most: float, with_fallback: float, rows: list[str]
) -> None:
    worst = {"highest_cost_usd": most, "highest_cost_with_fallback_usd": with_fallback, "spend_cap_usd": 0.05}
    over = {"over_cap": most > 0.05, "over_cap_with_fallback": with_fallback > 0.05}
    api.replies = [(200, {**PLAN, **worst, **over})]
    request = make_request(3, 10)
    lines = plan_lines(api.client().plan(request), request)
    texts = [plain(each) for each in lines]
    assert texts[4:6] == rows
    assert all(len(text) <= 76 for text in texts)
    warned = any(segment.role is Role.WARN for each in lines for segment in each)
    assert warned is any(over.values())


def test_a_plan_tells_the_hours_in_which_it_is_sent(api: Api) -> None:
    window = {"start": "08:00", "end": "21:00", "timezone": "America/New_York"}
    api.replies = [(200, {**PLAN, "send_window": window}), (200, {**PLAN, "send_window": None})]
    request = make_request(3, 10)
    with_window, without = ([plain(each) for each in plan_lines(api.client().plan(request), request)] for _ in range(2))
    assert "send window     08:00 to 21:00 of the recipient's day" in with_window
    assert not any("send window" in text for text in without)


@pytest.mark.parametrize("first", [(500, {"message": "Internal Server Error"}), (0, None)])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(api: Api, first: tuple[int, Any]) -> None:
    api.replies = [first, (202, {"campaign_id": "c-1", "status": "created"})]
    assert api.client().send(make_request(1, 1)).id == "c-1"
    assert len(api.received) == 2
    assert api.received[0][2]["Idempotency-Key"] == api.received[1][2]["Idempotency-Key"]
    assert api.received[0][3] == api.received[1][3]


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ((400, {"error": {"code": "invalid", "message": "throughput_tps is 0"}}), ProblemKind.BAD_INPUT, "is 0"),
        ((403, {"message": "Forbidden"}), ProblemKind.FORBIDDEN, "execute-api:Invoke"),
        ((404, {"message": "Not Found"}), ProblemKind.NOT_FOUND, "no such call"),
        ((404, {"error": {"code": "unknown", "message": "there is no plan x"}}), ProblemKind.NOT_FOUND, "no plan x"),
        ((409, {"error": {"code": "exists", "message": "see /api/campaigns/x"}}), ProblemKind.CONFLICT, "campaigns/x"),
        ((429, {}), ProblemKind.THROTTLED, "throttles"),
        ((500, {"error": {"code": "oops", "message": "broken"}}), ProblemKind.UNEXPECTED, "broken"),
        ((503, {"error": {"code": "x", "message": "send it again"}}), ProblemKind.THROTTLED, "send it again"),
        ((504, {"message": "Endpoint request timed out"}), ProblemKind.TIMED_OUT, "did not answer"),
        ((200, b"<html>"), ProblemKind.BAD_ANSWER, "no JSON object"),
        ((200, [1]), ProblemKind.BAD_ANSWER, "no JSON object"),
        ((200, {"recipients": "many"}), ProblemKind.BAD_ANSWER, "no plan"),
        ((200, {**PLAN, "by_country": {"US": 3}}), ProblemKind.BAD_ANSWER, "no plan"),
        ((200, {**PLAN, "highest_cost_with_fallback_usd": 0.1}), ProblemKind.BAD_ANSWER, "no plan"),
        ((400, {"error": {"message": "\x1b]52;c;eA==\x07 evil"}}), ProblemKind.BAD_INPUT, "]52;c;eA== evil"),
    ],
)
def test_each_refusal_is_one_sentence(api: Api, reply: tuple[int, Any], kind: ProblemKind, words: str) -> None:
    api.replies = [reply]
    with pytest.raises(ConsoleError) as caught:
        api.client().plan(make_request(1, 1))
    assert caught.value.problem.kind is kind
    assert words in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(("offset", "way"), [(-900.0, "ahead of"), (900.0, "behind")])
def test_a_refusal_by_clock_skew_says_so(api: Api, offset: float, way: str) -> None:
    api.replies = [(403, {"message": "Signature expired"})]
    api.date_offset = offset
    with pytest.raises(ConsoleError, match=way) as caught:
        api.client().plan(make_request(1, 1))
    assert caught.value.problem.kind is ProblemKind.CLOCK_SKEW


def test_an_accepted_answer_without_an_id_is_malformed(api: Api) -> None:
    api.replies = [(202, {"status": "created"})]
    with pytest.raises(ConsoleError, match="lacks campaign_id"):
        api.client().send(make_request(1, 1))


CAMPAIGN = {"campaign_id": "c-1", "status": "running", "version": 3, "throughput_tps": 5.0}


def test_a_change_is_made_under_the_version_that_was_read(api: Api) -> None:
    paused = {**CAMPAIGN, "status": "paused", "version": 4, "pause_reason": "day_cap"}
    api.replies = [(200, CAMPAIGN), (200, paused)]
    state = api.client().state("c-1")
    assert state == CampaignState("c-1", "running", 3, 5.0)
    after = api.client().change("c-1", CampaignChange(ChangeKind.PAUSE), state.version)
    assert after == CampaignState("c-1", "paused", 4, 5.0, "day_cap")
    assert [(method, path) for method, path, _, _ in api.received] == [
        ("GET", f"{PATH}/api/campaigns/c-1"),
        ("PATCH", f"{PATH}/api/campaigns/c-1"),
    ]
    assert json.loads(api.received[1][3]) == {"status": "paused", "expected_version": 3}
    api.client().change("c-1", CampaignChange(ChangeKind.TPS, 7.5), 4)
    assert json.loads(api.received[2][3]) == {"throughput_tps": 7.5, "expected_version": 4}


@pytest.mark.parametrize(
    ("code", "kind"), [("version_changed", ProblemKind.CHANGED), ("transition", ProblemKind.CONFLICT)]
)
def test_a_change_meanwhile_is_told_from_one_that_is_not_allowed(api: Api, code: str, kind: ProblemKind) -> None:
    api.replies = [(409, {"error": {"code": code, "message": "the campaign is at version 4, not 3"}})]
    with pytest.raises(ConsoleError) as caught:
        api.client().change("c-1", CampaignChange(ChangeKind.CANCEL), 3)
    assert caught.value.problem.kind is kind


@pytest.mark.parametrize("answer", [{**CAMPAIGN, "version": None}, {**CAMPAIGN, "throughput_tps": "fast"}, {}])
def test_an_answer_that_is_no_campaign_is_malformed(api: Api, answer: dict[str, Any]) -> None:
    api.replies = [(200, answer)]
    with pytest.raises(ConsoleError) as caught:
        api.client().state("c-1")
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER


@pytest.mark.parametrize("recipients", [0, -1, 10**9, "ten", "1.5", "", "nan", None])
def test_nonsense_recipients_are_refused(recipients: object) -> None:
    with pytest.raises(ConsoleError, match="recipients"):
        make_request(recipients, 1)


@pytest.mark.parametrize("tps", [0, -3, "nan", "inf", "-inf", 10**9, "fast", ""])
def test_nonsense_rates_are_refused(tps: object) -> None:
    with pytest.raises(ConsoleError, match="TPS"):
        make_request(1, tps)


@pytest.mark.parametrize("body", ["", "   ", "x" * 2000])
def test_nonsense_bodies_are_refused(body: str) -> None:
    with pytest.raises(ConsoleError, match="body"):
        make_request(1, 1, body)


def test_each_request_has_a_key_of_its_own() -> None:
    assert make_request(1, 1).key != make_request(1, 1).key
