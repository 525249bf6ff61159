"""Where alarms lead: whose logs, which minutes, which page; and what was deployed before."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.deployments import ROLLOUT_GAP, last_before, rollouts
from console.domain import Alarm, AlarmState
from console.places import link, parse_link
from console.services.aws_pages import page_of, resource_page
from console.services.jumps import (
    AROUND,
    CONSUMERS,
    groups_of_rules,
    log_groups_of,
    logs_place,
    loud_children,
    turned_at,
)
from console.services.monitor import stack_facts
from console.services.runbooks import filled, linked_pages, page_name, read_runbook
from console.sources.arns import resource_of
from console.sources.fake import FakeStack
from console.sources.fake_outputs import fake_outputs
from console.sources.fake_telemetry import OTHER_RULE
from console.telemetry import AlarmChange, AlarmDetail, Deployment
from lambdas.core.outputs import StackOutputs
from tests.support.stopped_clock import START

OUTPUTS = fake_outputs()


def groups(outputs: StackOutputs = OUTPUTS, **dimensions: str) -> tuple[str, ...]:
    return log_groups_of(replace(OTHER_RULE, dimensions=dimensions), outputs)


def test_a_functions_alarm_leads_to_that_functions_logs() -> None:
    assert groups(FunctionName=OUTPUTS.outbox.message_sender_function) == ("message-sender",)
    both = f"{OUTPUTS.outbox.message_sender_function}, {OUTPUTS.campaigns.sweeper_function}"
    assert groups(FunctionName=both) == ("message-sender", "sweeper")


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        (OUTPUTS.messaging.receipts_queue_url, "delivery-processor"),
        (OUTPUTS.messaging.receipts_dead_letter_queue_url, "delivery-processor"),
        (OUTPUTS.outbox.outbox_queue_url, "message-sender"),
        (OUTPUTS.outbox.legs_dead_letter_queue_url, "message-sender"),
        (OUTPUTS.campaigns.sms_work_dead_letter_queue_url, "sms-worker"),
        (OUTPUTS.campaigns.campaign_counters_dead_letter_queue_url, "campaign-counters"),
    ],
)
def test_a_queues_alarm_leads_to_the_logs_of_its_consumer(queue: str, function: str) -> None:
    assert groups(QueueName=queue) == (function,)


def test_queues_are_found_by_the_name_at_the_end_of_their_address() -> None:
    messaging = replace(OUTPUTS.messaging, receipts_queue_url="https://sqs.eu-west-1.amazonaws.com/1/receipts-x")
    assert groups(replace(OUTPUTS, messaging=messaging), QueueName="receipts-x") == ("delivery-processor",)


def test_where_nobody_in_particular_is_concerned_all_are() -> None:
    assert groups(Stack="local") == groups(QueueName="another-stacks-queue") == log_groups_of(None, OUTPUTS) == ()
    assert groups(ApiId="abc123") == ("campaign-api",)


def test_the_websocket_api_s_alarm_leads_to_the_functions_behind_it() -> None:
    sessions = replace(OUTPUTS.sessions, websocket_api_endpoint="wss://abc123.execute-api.eu-west-1.amazonaws.com/prod")
    found = groups(replace(OUTPUTS, sessions=sessions), ApiId="abc123")
    assert found[:2] == ("session-authorizer", "session-connection")
    assert len(found) == 6
    assert groups(replace(OUTPUTS, sessions=sessions), ApiId="def456") == ("campaign-api",)


def test_a_composite_alarm_leads_to_the_logs_of_its_children_that_are_up() -> None:
    detail = composite('ALARM("a") OR ALARM("b") OR ALARM("c")')
    ok, loud, of_others = (
        Alarm(name, state, "critical", 0.0, "", "")
        for name, state in (("a", AlarmState.OK), ("b", AlarmState.ALARM), ("other", AlarmState.ALARM))
    )
    assert loud_children(detail, [ok, loud, of_others]) == ("b",)
    assert loud_children(detail, [ok, of_others]) == ("a", "b", "c")
    assert loud_children(composite("a band"), [ok, loud]) == ()


def test_rules_together_lead_to_each_function_once() -> None:
    rules = [
        replace(OTHER_RULE, dimensions=dimensions)
        for dimensions in (
            {"ApiId": "abc123"},
            {"FunctionName": OUTPUTS.campaigns.sweeper_function},
            {"Stack": "local"},
            {"FunctionName": f"{OUTPUTS.campaigns.sweeper_function}, {OUTPUTS.outbox.message_sender_function}"},
        )
    ]
    assert groups_of_rules(rules, OUTPUTS) == ("campaign-api", "sweeper", "message-sender")
    assert groups_of_rules([], OUTPUTS) == groups_of_rules(rules[2:3], OUTPUTS) == ()


def test_every_queue_of_the_outputs_has_a_consumer() -> None:
    fields = OUTPUTS.to_variables()
    named = {name.lower() for name in fields if name.endswith("_QUEUE_URL")}
    stems = {name.removesuffix("_queue_url").removesuffix("_dead_letter").replace("_", "-") for name in named}
    assert stems == set(CONSUMERS)
    assert {name.upper() for name in CONSUMERS.values()} <= set(fields)


def composite(expression: str, history: tuple[AlarmChange, ...] = ()) -> AlarmDetail:
    alarm = Alarm("down", AlarmState.OK, "critical", START - 60, "", "")
    return AlarmDetail(alarm, "arn", None, expression, history)


def test_children_are_named_alone_quoted_or_by_arn() -> None:
    expression = 'ALARM("a-1") OR (OK(b) AND NOT INSUFFICIENT_DATA(arn:aws:cloudwatch:eu-west-1:1:alarm:c)) OR ALARM(b)'
    assert composite(expression).children == ("a-1", "b", "c")
    assert composite("LessThanLowerThreshold ANOMALY_DETECTION_BAND(m1, 2)").children == ()


def test_an_alarm_is_about_its_last_rise_else_its_last_change() -> None:
    rise = AlarmChange(START - 600, AlarmState.OK, AlarmState.ALARM, "")
    fall = AlarmChange(START - 60, AlarmState.ALARM, AlarmState.OK, "")
    risen = composite("", (fall, rise))
    assert turned_at(risen.alarm, risen, START) == START - 600
    assert turned_at(risen.alarm, None, START) == START - 60
    assert turned_at(replace(risen.alarm, since=None), None, START) == START


def test_the_logs_around_a_moment_are_a_place_that_links_carry() -> None:
    place = logs_place(("sweeper", "message-sender"), START)
    assert place.params == {"from": f"{START - AROUND:.0f}", "to": f"{START + AROUND:.0f}"}
    assert parse_link(link("local", place)) == ("local", place)


def test_the_page_at_aws_is_of_the_region_and_its_partition() -> None:
    stack = replace(stack_facts(FakeStack(environment="dev").connection(), allow_actions=False), region="eu-west-1")
    page = page_of("cloudwatch", "alarm", "a b/c#d", stack)
    assert page.startswith("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/")
    assert unquote(page.rpartition("/")[2]) == "a b/c#d"
    chinese = replace(stack, region="cn-north-1")
    assert ".console.amazonaws.cn/" in page_of("cloudwatch", "alarm", "a", chinese)
    assert page_of("cloudwatch", "alarm", "a", replace(stack, environment="local")) == ""
    queue = unquote(page_of("sqs", "queue", "work", chinese).partition("#/queues/")[2])
    assert queue == f"https://sqs.cn-north-1.amazonaws.com.cn/{stack.account_id}/work"


@pytest.mark.parametrize(
    ("arn", "fragment"),
    [
        ("arn:aws:lambda:eu-west-1:1:function:p-sweeper-dev", "#/functions/p-sweeper-dev"),
        ("arn:aws:dynamodb:eu-west-1:1:table/p-campaigns-dev", "#table?name=p-campaigns-dev"),
        (
            "arn:aws:logs:eu-west-1:1:log-group:/p/dev/sweeper:*",
            "#logsV2:log-groups/log-group/$252Fp$252Fdev$252Fsweeper",
        ),
        ("arn:aws:cognito-idp:eu-west-1:1:userpool/x", ""),
    ],
)
def test_resources_have_pages_where_one_is_known(arn: str, fragment: str) -> None:
    stack = replace(stack_facts(FakeStack(environment="dev").connection(), allow_actions=False), region="eu-west-1")
    page = resource_page(resource_of(arn, []), stack)
    assert page.endswith(fragment)
    assert bool(page) == bool(fragment)


@given(st.lists(st.integers(0, 50_000), max_size=30))
def test_rollouts_hold_every_change_once_and_are_apart(ats: list[int]) -> None:
    changes = [Deployment(float(at), f"function f{number}", "code 1") for number, at in enumerate(ats)]
    found = rollouts(changes)
    assert sorted(each.what for rollout in found for each in rollout.changes) == sorted(each.what for each in changes)
    for newer, older in pairwise(found):
        assert newer.started - older.at > ROLLOUT_GAP
    for rollout in found:
        assert (rollout.started, rollout.at) == (min(c.at for c in rollout.changes), max(c.at for c in rollout.changes))
    for at in ats:
        last = last_before(found, at)
        assert last is not None
        assert last.started <= at


def test_a_rollout_says_what_it_changed() -> None:
    changes = [
        Deployment(10.0, "outputs of stack", "version 3, release 0.2.0"),
        Deployment(9.0, "function sweeper", "code 12345678"),
        Deployment(8.0, "function outbox", "code 12345678"),
    ]
    assert rollouts(changes)[0].words() == "release 0.2.0; code of sweeper, outbox; outputs of stack"
    many = [Deployment(1.0, f"function f{number}", "code 1") for number in range(4)]
    assert rollouts(many)[0].words() == "code of 4 functions"
    assert last_before(rollouts(changes), 7.9) is None


def test_runbooks_are_read_beside_the_console_and_from_nowhere_else(tmp_path: Path) -> None:
    assert read_runbook("docs/runbooks/dead-letter-queue.md").text.startswith("# ")
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    for outside in ("../secret.md", "docs/runbooks/../../secret.md", str(tmp_path / "secret.md"), "https://x/y.md", ""):
        page = read_runbook(outside, [tmp_path, tmp_path / "docs" / "runbooks"])
        assert (page.where, page.text) == (outside, "")
    absent = read_runbook("stack-down", [tmp_path])
    assert (absent.where, absent.text) == ("docs/runbooks/stack-down.md", "")


def test_every_alarms_page_is_there() -> None:
    names = [page_name(alarm.runbook) for alarm in FakeStack().alarm_list]
    assert all(names)
    assert all(read_runbook(name).text for name in names)


def test_a_page_leads_to_the_pages_that_it_names() -> None:
    text = read_runbook("stack-down").text
    assert linked_pages(text)[:2] == ("function-errors", "api-errors")
    assert all(read_runbook(page).text for page in linked_pages(text))
    assert linked_pages("[x](../operations.md) [y](https://a.example/b.md) [z](#here)") == ()


def test_commands_get_the_stacks_names() -> None:
    variables = {"STACK": "prod", "REGION": ""}
    assert filled("--stack $STACK in $REGION of $OTHER, $5", variables) == "--stack prod in $REGION of $OTHER, $5"
