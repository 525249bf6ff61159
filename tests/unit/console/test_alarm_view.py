"""One alarm in words, as a chart and as commands; Markdown and wrapped lines."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.deployments import rollouts
from console.domain import Alarm, AlarmState, Fetched, Problem, ProblemKind
from console.invocations import own
from console.services.monitor import stack_facts
from console.sources.fake import FakeStack
from console.telemetry import AlarmDetail, Deployment, LogLine
from console.view import alarm as view
from console.view.glyphs import UNICODE
from console.view.markdown import markdown_lines
from console.view.segments import Line, Role, Segment, line, plain, text_of, width
from console.view.tables import alarms, log_lines
from console.view.timespan import LENGTHS
from console.view.wrap import wrap
from tests.support.stopped_clock import START, StoppedClock


def detail(name: str = "receipts-dlq") -> AlarmDetail:
    stack = FakeStack(StoppedClock())
    return stack.telemetry.alarm(next(alarm.name for alarm in stack.alarm_list if alarm.name.endswith(name)))


def test_the_rule_is_said_in_words() -> None:
    rule = detail().rule
    assert rule is not None
    assert view.rule_words(rule) == (
        "ApproximateNumberOfMessagesVisible, Maximum of 60 s > 0 for 1 of 1 periods, missing data treated as good"
    )
    odd = replace(rule, comparison="LessThanOrEqualToThreshold", threshold=97.5, missing_data="ignore")
    assert view.rule_words(odd).endswith("<= 97.5 for 1 of 1 periods, missing data treated as no change")


def test_the_chart_shades_what_the_alarm_rose_for() -> None:
    known = detail()
    spec = view.alarm_chart(known, None, [Deployment(START - 700, "function sweeper", "code 1")])
    assert spec.threshold == 0.0
    assert spec.window == (START - 95 - 60, START - 95)
    assert spec.breaches is not None
    assert (spec.breaches(1.0), spec.breaches(0.0)) == (True, False)
    assert [(mark.at, mark.words) for mark in spec.marks] == [(START - 700, "deployed: code of sweeper")]
    assert view.alarm_chart(replace(known, rule=None), None, ()).threshold is None


def test_the_last_deployment_is_told_from_the_alarm_on() -> None:
    found = rollouts([Deployment(START - 1_000, "function sweeper", "code 1")])
    words = plain(view.deployment_line(found, START - 280, START))
    assert words == "last deployment 12 m 00 s before the alarm: code of sweeper"
    assert plain(view.deployment_line(found, None, START)) == "last deployment 16 m 40 s ago: code of sweeper"
    assert "none is known" in plain(view.deployment_line(found, START - 2_000, START))


@pytest.mark.parametrize("ago", [60.0, 3_000.0, 20_000.0, 80_000.0, 900_000.0])
def test_the_first_span_holds_the_alarms_rise(ago: float) -> None:
    alarm = Alarm("a", AlarmState.ALARM, "critical", START - ago, "", "")
    start, end = view.first_timespan(alarm, START).bounds(START)
    assert start < START - ago < end <= START
    assert view.first_timespan(replace(alarm, state=AlarmState.OK), START).live


def test_zooming_to_the_window_keeps_it_in_the_middle() -> None:
    known = detail("delivery-rate-low")
    span = view.window_timespan(known, START - 5_000, START)
    assert span.seconds in LENGTHS
    assert span.bounds(START) == (START - 5_000 - span.seconds / 2, START - 5_000 + span.seconds / 2)
    assert view.window_timespan(known, START, START).live


def test_commands_show_alarm_and_metric() -> None:
    known, facts = detail(), stack_facts(FakeStack(environment="dev").connection(), allow_actions=False)
    assert known.rule is not None
    words = view.data_command(known.rule, START - 60, START, facts)
    assert json.loads(words[words.index("--metric-data-queries") + 1]) == json.loads(known.rule.queries)
    assert words[words.index("--start-time") + 1] == "2025-11-21T11:59:00.000Z"
    assert "MetricAlarm" in view.show_command(known, facts)
    whole = replace(known, rule=None, expression='ALARM("x")')
    assert "CompositeAlarm" in view.show_command(whole, facts)


def test_copied_commands_reach_the_stack_they_are_about() -> None:
    known, base = detail(), stack_facts(FakeStack(environment="dev").connection(), allow_actions=False)
    assert known.rule is not None
    line = LogLine("id", 1_000.25, "/p/s/sweeper", "stream", "INFO", "x")
    for facts, wanted in (
        (replace(base, profile="on-call"), "--region us-east-1 --profile on-call"),
        (base, "--region us-east-1"),
        (replace(base, endpoint_url="http://127.0.0.1:1"), "--region us-east-1 --endpoint-url http://127.0.0.1:1"),
    ):
        for words in (
            view.show_command(known, facts),
            view.data_command(known.rule, START - 60, START, facts),
            log_lines.command(line, facts),
            alarms.command(known.alarm, facts),
        ):
            assert shlex.join(words).endswith(wanted)
    assert "CompositeAlarm" in alarms.command(known.alarm, base)
    own_words = shlex.join(own(replace(base, profile="on-call"), "message", "m"))
    assert own_words == (
        f"cpaas-console message m --stack dev --project {base.project} --region us-east-1 --profile on-call"
    )
    assert alarms.arn(known.alarm, replace(base, region="cn-north-1")).startswith("arn:aws-cn:cloudwatch:cn-north-1:")


def test_a_composite_alarm_names_its_children_without_the_common_prefix() -> None:
    whole = replace(detail(), rule=None, expression='ALARM("p-x") OR ALARM("p-y")')
    assert plain(view.rule_line(whole, "p-")) == "rises when ALARM(x) OR ALARM(y)"
    assert plain(view.missing_line(whole.children, ["p-x"])) == "not in this stack's list p-y"
    assert view.missing_line(whole.children, ["p-x", "p-y"]) == ()


def test_trouble_of_the_metric_is_said_only_while_there_is_some() -> None:
    problem = Problem(ProblemKind.THROTTLED, "slow down")
    assert view.series_line(Fetched(1, at=START), START, UNICODE) == ()
    assert "throttled: data from" in plain(view.series_line(Fetched(1, at=START - 5, error=problem), START, UNICODE))


PIECES = st.lists(
    st.builds(Segment, st.text(st.sampled_from("ab  日é(,)"), max_size=12), st.sampled_from(list(Role))), max_size=6
)


@given(PIECES.map(tuple), st.integers(2, 30), st.integers(0, 10))
def test_wrapping_keeps_every_word_with_its_role_within_its_cells(words: Line, cells: int, indent: int) -> None:
    lines = wrap(words, cells, indent=indent)
    assert all(width(each) <= cells for each in lines)
    spread = [(char, seg.role) for each in lines for seg in each for char in seg.text if not char.isspace()]
    assert spread == [(char, seg.role) for seg in words for char in seg.text if not char.isspace()]


def test_wrapping_breaks_at_blanks_only() -> None:
    words = line("call (", ("campaign-worker", Role.ACCENT), ") now and then")
    assert [plain(each) for each in wrap(words, 20)] == ["call", "(campaign-worker)", "now and then"]


PAGE = """# Title
Some `code` and **bold** text with a [link](there.md)
that goes on.

- one item
  that goes on
- another

      run --this
      run --that

  still of the item
1. first

| a | b |
|---|---|
| x | a long cell that must be broken |

```
fenced *as it is*
```
"""


def test_markdown_as_runbooks_use_it() -> None:
    assert text_of(markdown_lines(PAGE, 24)).split("\n") == [
        "Title",
        "",
        "Some code and bold text",
        "with a link that goes",
        "on.",
        "",
        "- one item that goes on",
        "- another",
        "",
        "  run --this",
        "  run --that",
        "",
        "  still of the item",
        "",
        "1. first",
        "",
        "a  b",
        "x  a long cell that must",
        "   be broken",
        "",
        "  fenced *as it is*",
    ]
    roles = {segment.text: segment.role for each in markdown_lines(PAGE, 80) for segment in each}
    assert (roles["code"], roles["bold"], roles["link"]) == (Role.ACCENT, Role.STRONG, Role.ACCENT)


@given(st.text(st.sampled_from("#-*`|[]() \n1.ab$"), max_size=200), st.integers(10, 60))
@example("||", 10)
@example("1\n|", 10)
@example("1\n|\n|1", 10)
def test_no_text_breaks_the_reader_of_markdown(text: str, cells: int) -> None:
    lines = markdown_lines(text, cells)
    assert all("\n" not in segment.text for each in lines for segment in each)
    assert not any(not first and not second for first, second in pairwise(lines) if first == second == ())
