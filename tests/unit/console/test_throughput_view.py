"""Throughput as lines: what this console has read, and before that what CloudWatch knows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.domain import RatePoint, Throughput
from console.telemetry import Series
from console.view.glyphs import UNICODE
from console.view.segments import plain, width
from console.view.throughput import HOUR, achieved_curve, channel_chart, channel_note, throughput_rows

NOW = 1_795_003_200.0
MINUTES = [NOW - HOUR + 60.0 * minute for minute in range(61)]


def hour(label: str, value: float | None) -> Series:
    return Series(label, 60, tuple((at, value) for at in MINUTES))


def test_minutes_without_a_reading_are_the_channels_together() -> None:
    read = (RatePoint(NOW - 90, 9.0, None), RatePoint(NOW - 88, 9.0, 7.0), RatePoint(NOW - 2, 9.0, 8.0))
    curve = achieved_curve(read, (hour("sms", 5.0), hour("email", 2.0), hour("whatsapp", None)))
    before = {at: value for at, value in curve.points if at not in {point.at for point in read}}
    assert set(before.values()) == {7.0}
    assert max(each for each in before if each < NOW) == NOW - 180, "later minutes were read here"
    assert (NOW - 90, None) in curve.points, "a beat without a rate stays a gap"
    assert (NOW - 2, 8.0) in curve.points


def test_what_was_not_read_while_reading_was_held_is_filled() -> None:
    held = (RatePoint(NOW - 1_800, 9.0, 4.0), RatePoint(NOW - 60, 9.0, 6.0))
    points = dict(achieved_curve(held, (hour("sms", 5.0),)).points)
    assert points[NOW - 900] == 5.0
    assert NOW - 1_800 in points
    assert points[NOW - 1_800] == 4.0


@given(
    st.lists(st.tuples(st.floats(NOW - HOUR, NOW), st.none() | st.floats(0, 100)), max_size=20),
    st.lists(st.none() | st.floats(0, 100), min_size=61, max_size=61),
)
def test_a_curve_runs_forward_and_keeps_every_reading(
    beats: list[tuple[float, float | None]], values: list[float | None]
) -> None:
    history = tuple(RatePoint(at, 1.0, achieved) for at, achieved in sorted(beats, key=lambda beat: beat[0]))
    curve = achieved_curve(history, (Series("sms", 60, tuple(zip(MINUTES, values, strict=True))),))
    times = [at for at, _ in curve.points]
    assert times == sorted(set(times))
    last = {point.at: point.achieved for point in history}
    points = dict(curve.points)
    assert all(points[at] == achieved for at, achieved in last.items() if achieved is not None)


def test_a_console_that_was_opened_just_now_shows_the_last_hour() -> None:
    opened = Throughput()
    lines = throughput_rows(opened, NOW, (hour("sms", 5.0),), columns=76, rows=10, glyphs=UNICODE)
    assert len(lines) == 10
    assert {width(each) for each in lines[1:]} == {76}
    assert "5.00/s" in "".join(map(plain, lines)), "the last value stands at the end of its curve"
    labels = plain(lines[-1])
    assert "11:10" in labels
    assert "12:00" in labels


def test_the_chart_of_a_stack_that_has_only_begun_is_not_empty_for_an_hour() -> None:
    young = tuple(RatePoint(NOW - 30 + 2 * beat, 9.0, 7.0) for beat in range(15))
    labels = plain(throughput_rows(Throughput(9.0, 7.0, {}, young), NOW, columns=76, rows=10, glyphs=UNICODE)[-1])
    assert "11:56" in labels
    assert "11:50" not in labels


def test_a_channel_is_told_beside_what_its_identity_may_send() -> None:
    sending = Throughput(9.0, 7.0, {"sms": 7.0})
    assert channel_note(sending, "sms", 100.0) == "7.00/s now, 7.0 % of 100/s"
    assert channel_note(sending, "email", 14.0) == "0.00/s now, 0.0 % of 14.0/s"
    assert channel_note(Throughput(), "sms", 100.0) == "at most 100/s"
    assert channel_chart(hour("sms", 5.0), 100.0, ()).threshold == 100.0
