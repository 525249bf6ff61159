"""Rights as `doctor` looks at them: all of the documented policy, each missing one by its name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import NoReturn

import pytest
from botocore.exceptions import ClientError

from console.domain import ConsoleError, ProblemKind
from console.headless import rights
from console.headless.checks import Check, Word
from console.queues import QueueState
from console.sources.fake import FakeStack
from tests.support.stopped_clock import StoppedClock

POLICY = Path(__file__).parents[3] / rights.POLICY
TRIED_ELSEWHERE = {
    "cloudwatch:DescribeAlarms": "alarms",
    "execute-api:Invoke": "campaign API",
    "ssm:GetParametersByPath": "outputs",
}
"""Rights that other checks of `doctor` use, and which."""


def refused(operation: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "User is not authorized"}}, operation)


def checked(stack: FakeStack) -> dict[str, Check]:
    return {name: check() for name, check in rights.right_checks(stack.connection(), StoppedClock())}


def test_every_right_of_the_policy_is_tried_or_said_not_to_be() -> None:
    listed: set[str] = set()
    for statement in json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]:
        actions = statement["Action"]
        listed |= {actions} if isinstance(actions, str) else set(actions)
    tried = {action for right in rights.rights(FakeStack().connection(), StoppedClock()) for action in right.actions}
    assert tried | set(rights.NOT_TRIED) | set(TRIED_ELSEWHERE) == listed
    assert not tried & set(rights.NOT_TRIED)


def test_a_stack_that_answers_has_every_right_that_can_be_tried() -> None:
    words = {name: check.word for name, check in checked(FakeStack()).items()}
    assert words.pop("rights on messages") is Word.SKIP
    assert set(words.values()) <= {Word.OK, Word.SKIP}
    assert words["right: logs"] is words["right: metrics"] is words["right: dead letters"] is Word.OK


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("GetParameterHistory", "ssm:GetParameterHistory is refused"),
        ("GetFunctionConfiguration", "lambda:GetFunctionConfiguration is refused"),
        ("SomethingBeneath", "lambda:GetFunctionConfiguration or ssm:GetParameterHistory is refused"),
    ],
)
def test_what_is_refused_is_named_by_the_call_that_was(operation: str, named: str) -> None:
    def deny() -> NoReturn:
        raise refused(operation)

    stack = FakeStack()
    stack.telemetry.deployments = deny  # type: ignore[method-assign]
    check = checked(stack)["right: deployments"]
    assert (check.word, check.detail) == (Word.FAIL, f"{named}, which deployments needs")
    assert check.remedy == "allow it as docs/console-policy.json does, or use another --profile"


@pytest.mark.parametrize(
    "trouble", [refused("FilterLogEvents", "ThrottlingException"), ConsoleError(ProblemKind.FORBIDDEN, "a replay")]
)
def test_other_trouble_is_no_missing_right(trouble: Exception) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise trouble

    stack = FakeStack()
    stack.telemetry.logs = fail  # type: ignore[method-assign]
    checks = dict(rights.right_checks(stack.connection(), StoppedClock()))
    with pytest.raises(type(trouble)):
        checks["right: logs"]()


def test_a_bill_out_of_a_file_tells_nothing_about_the_right() -> None:
    stack, clock = FakeStack(environment="dev"), StoppedClock()
    found = stack.telemetry.bill()
    assert found is not None
    for as_of, word in ((clock.now() - 1, Word.SKIP), (clock.now(), Word.OK)):
        bill = dataclasses.replace(found, as_of=as_of)
        stack.telemetry.bill = lambda bill=bill: bill  # type: ignore[method-assign, misc]
        check = dict(rights.right_checks(stack.connection(), clock))["right: the bill"]()
        assert check.word is word


def test_no_dead_letter_is_looked_at_for_the_sake_of_a_check() -> None:
    looked: list[str] = []
    stack = FakeStack()
    full = [_filled(state) for state in stack.telemetry.queues()]
    stack.telemetry.queues = lambda: tuple(full)  # type: ignore[method-assign]
    stack.telemetry.letters = lambda queue: looked.append(queue) or ()  # type: ignore[method-assign, func-returns-value]
    check = checked(stack)["right: dead letters"]
    assert (check.word, looked) == (Word.SKIP, [])
    full[3] = dataclasses.replace(full[3], dead_letters=_empty(full[3]).dead_letters)
    assert checked(stack)["right: dead letters"].word is Word.OK
    assert looked == [full[3].queue.name]


def _filled(state: QueueState) -> QueueState:
    assert state.dead_letters is not None
    return dataclasses.replace(state, dead_letters=dataclasses.replace(state.dead_letters, waiting=1))


def _empty(state: QueueState) -> QueueState:
    assert state.dead_letters is not None
    return dataclasses.replace(state, dead_letters=dataclasses.replace(state.dead_letters, waiting=0))
