"""Charts: what a curve may lose on the way to its cells, and what stands beside it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.telemetry import Series
from console.view.axes import Times, scale
from console.view.chart import ChartSpec, Mark, caption, chart, moment_at, value_at
from console.view.glyphs import ASCII, BLOCK, UNICODE, Glyphs
from console.view.plot import strokes
from console.view.segments import Line, Role, plain, width
from console.view.sparkline import pool, sparkline
from console.view.timespan import DEFAULT, LENGTHS, Timespan

HOUR = 1_795_003_200.0
"""A full hour."""
VALUES = st.lists(st.one_of(st.none(), st.floats(min_value=-1e6, max_value=1e9)), max_size=300)
SETS = st.sampled_from([UNICODE, BLOCK, ASCII])


def series(*values: float | None, period: int = 60, label: str = "errors") -> Series:
    return Series(label, period, tuple((HOUR + period * place, value) for place, value in enumerate(values)))


def spec(*curves: Series, minutes: int = 60, **more: object) -> ChartSpec:
    return ChartSpec(curves, HOUR, HOUR + 60 * minutes, **more)  # type: ignore[arg-type]


def drawn(asked: ChartSpec, columns: int = 80, rows: int = 16, glyphs: Glyphs = UNICODE) -> list[Line]:
    return chart(asked, columns=columns, rows=rows, glyphs=glyphs)


def pieces(lines: list[Line], role: Role) -> str:
    """All text of one role."""
    return "".join(segment.text for each in lines for segment in each if segment.role is role)


def is_braille(character: str) -> bool:
    return "\u2801" <= character <= "\u28ff"


@given(
    st.lists(VALUES, max_size=5),
    st.one_of(st.none(), st.floats(min_value=-1e3, max_value=1e6)),
    st.integers(min_value=0, max_value=130),
    st.integers(min_value=0, max_value=30),
    SETS,
    st.booleans(),
)
def test_a_chart_fills_exactly_its_cells(
    values: list[list[float | None]], threshold: float | None, columns: int, rows: int, glyphs: Glyphs, busy: bool
) -> None:
    asked = spec(
        *(series(*each, label="日本 x") for each in values),
        threshold=threshold,
        breaches=(lambda value: value > 5) if busy else None,
        window=(HOUR - 60, HOUR + 600) if busy else None,
        cursor=HOUR + 700 if busy else None,
        marks=(Mark(HOUR + 300, "deployed"), Mark(HOUR - 1e5, "long ago")) if busy else (),
    )
    lines = drawn(asked, columns, rows, glyphs)
    assert [width(each) for each in lines] == [columns] * rows


@given(VALUES, st.integers(min_value=1, max_value=40))
def test_spikes_and_dips_survive_any_width(values: list[float | None], dots: int) -> None:
    found = strokes(series(*values, period=10), Times(HOUR, HOUR + 3000, dots))
    known = [value for value in values if value is not None]
    assert max((each.high for each in found), default=None) == max(known, default=None)
    assert min((each.low for each in found), default=None) == min(known, default=None)
    assert all(0 <= each.place < dots for each in found)


def test_a_spike_of_one_minute_in_a_day_is_seen() -> None:
    quiet = [0.0] * 1440
    loud = [*quiet[:700], 9.0, *quiet[701:]]
    asked = spec(series(*loud), minutes=1440)
    assert plain(drawn(asked, caption_less := 40, 10)[1]) != plain(drawn(spec(series(*quiet)), caption_less, 10)[1])
    assert any(is_braille(character) for character in plain(drawn(asked, 40, 10)[1]))


def test_what_is_not_known_is_a_gap_and_no_zero() -> None:
    def cells(*values: float | None) -> str:
        return plain(drawn(spec(series(*values), minutes=9, caption=False), 20, 1)[0])

    known = cells(*[5.0] * 10)
    assert " " not in known
    assert " " in cells(*[5.0] * 4, None, None, *[5.0] * 4)
    assert cells(*[5.0] * 4, 0.0, 0.0, *[5.0] * 4) != cells(*[5.0] * 4, None, None, *[5.0] * 4)


def test_points_far_apart_are_not_joined_and_neighbours_are() -> None:
    times = Times(HOUR, HOUR + 3600, 120)
    apart = Series("x", 60, ((HOUR, 1.0), (HOUR + 600, 1.0)))
    assert [each.joined for each in strokes(apart, times)] == [False, False]
    assert [each.joined for each in strokes(series(1, 1, None, 1), times)] == [False, True, False]


@pytest.mark.parametrize("glyphs", [UNICODE, BLOCK, ASCII])
def test_the_threshold_is_dashed_with_its_number_at_the_right(glyphs: Glyphs) -> None:
    lines = drawn(spec(series(1, 2, 3), threshold=40.0), glyphs=glyphs)
    rows = [plain(each) for each in lines if f"{glyphs.pen.dashed}40" in plain(each)]
    assert len(rows) == 1
    assert rows[0].rstrip().endswith(f"{glyphs.pen.dashed}40")
    assert rows[0].count(glyphs.pen.dashed) > 40


def test_a_limit_that_moves_is_dashed_where_it_holds() -> None:
    limit = Series("target", 60, ((HOUR, 10.0), (HOUR + 1800, 40.0), (HOUR + 2400, None)))
    lines = drawn(spec(series(None), threshold=limit, caption=False), 70, 12)
    dashed = [plain(each).count(UNICODE.pen.dashed) for each in lines[:-2]]
    low, high = dashed[-3], next(count for count in dashed if count)
    assert sum(count > 1 for count in dashed) == 2
    assert low == pytest.approx(3 * high, rel=0.2)
    assert any(plain(each).rstrip().endswith("╌40") for each in lines)


def test_the_last_value_stands_at_its_own_height() -> None:
    lines = drawn(spec(series(*[10.0] * 60, 95.0), caption=False), 60, 14)
    assert [row for row, each in enumerate(lines) if plain(each).rstrip().endswith("95.0")] == [0]
    both = drawn(spec(series(95.0, label="sms"), series(95.0, label="email"), caption=False), 60, 14)
    assert [plain(each).split()[-2:] for each in both[:2]] == [["95.0", "sms"], ["95.0", "email"]]


def test_breaching_points_are_in_the_colour_of_the_alarm() -> None:
    calm, loud = [1.0] * 20, [9.0] * 3
    lines = drawn(spec(series(*calm, *loud, *calm), threshold=5.0, breaches=lambda value: value > 5), 80, 16)
    assert any(is_braille(character) for character in pieces(lines, Role.ALARM))
    below = next(row for row, each in enumerate(lines) if "╌5" in plain(each)) + 1
    assert not pieces(lines[below:-2], Role.ALARM), "what lies under the threshold is not loud"
    dip = [99.0] * 20 + [80.0] + [99.0] * 20
    lines = drawn(spec(series(*dip), threshold=90.0, breaches=lambda value: value < 90), 40, 16)
    assert any(is_braille(character) for character in pieces(lines, Role.ALARM)), "a dip breaches as well"
    quiet = drawn(spec(series(*calm), threshold=5.0, breaches=lambda value: value > 5), 80, 16)
    assert not pieces(quiet, Role.ALARM)


def test_the_window_of_the_alarm_is_shaded_and_heavy_on_the_axis() -> None:
    lines = drawn(spec(series(*[1.0] * 60), window=(HOUR + 1800, HOUR + 2400)), 70, 12)
    axis = plain(lines[-2])
    heavy = axis.count(UNICODE.pen.window)
    assert heavy == pytest.approx((axis.rindex(UNICODE.pen.axis) - axis.index("└")) / 6, abs=2)
    shaded = [sum(len(each.text) for each in row if each.shade) for row in lines[1:-2]]
    assert shaded == [heavy] * len(shaded)


def test_marks_stand_on_the_axis_and_the_cursor_tells_its_values() -> None:
    asked = spec(
        series(*range(60)),
        marks=(Mark(HOUR + 1200, "deployed sms-worker"),),
        cursor=HOUR + 1200,
    )
    lines = drawn(asked, 90, 12)
    assert plain(lines[-2]).count(UNICODE.pen.mark) == 1
    assert plain(lines[0]).startswith("12:20:00  errors 20.0  deployed sms-worker")
    column = plain(lines[-2]).index(UNICODE.pen.mark)
    assert all(plain(each)[column] == UNICODE.pen.cursor or is_braille(plain(each)[column]) for each in lines[1:-2])


def test_the_caption_tells_the_extremes_and_the_length() -> None:
    assert plain(caption(spec(series(3, 9, 1)), 60)).startswith("errors min 1.00 max 9.00 ")
    assert plain(caption(spec(series(3, 9, 1)), 60)).endswith(" 1 h 00 m")
    assert "no data" in plain(caption(spec(series(None, None)), 60))
    several = caption(spec(series(1, label="a"), series(2, label="b")), 60)
    assert len({segment.role for segment in several if segment.text.strip() in ("a", "b")}) == 2


def test_long_names_give_way_to_figures() -> None:
    long = series(3, 9, label="ApproximateNumberOfMessagesVisible, Maximum of 60 s")
    words = plain(caption(spec(long), 70))
    assert words.startswith("ApproximateNumber")
    assert "… min 3.00 max 9.00" in words
    assert words.endswith("1 h 00 m")
    both = plain(caption(spec(long, long), 90))
    assert both.count("min 3.00 max 9.00") == 2


def test_a_value_is_read_at_the_nearest_point_only() -> None:
    curve = series(1, 2, None, 4)
    assert value_at(curve, HOUR + 70) == 2
    assert value_at(curve, HOUR + 120) is None
    assert value_at(curve, HOUR + 400) is None
    assert value_at(Series("empty", 60, ()), HOUR) is None


def test_labels_of_the_time_axis_are_round_and_stand_under_their_ticks() -> None:
    lines = drawn(spec(series(*[1.0] * 60)), 100, 12)
    axis, labels = plain(lines[-2]), plain(lines[-1])
    assert labels.split() == ["12:00", "12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]
    assert axis[labels.index("12:30") + 2] == UNICODE.pen.tick


@pytest.mark.parametrize(
    ("seconds", "label"), [(50, "12:00:10"), (3600, "12:10"), (86_400, "18:00"), (20 * 86_400, "Nov 26")]
)
def test_labels_follow_the_length(seconds: int, label: str) -> None:
    words = [text for _, text in Times(HOUR, HOUR + seconds, 80).labels()]
    assert label in words
    assert len(words) <= 10


@given(st.floats(min_value=1, max_value=1e8), st.integers(min_value=1, max_value=300))
def test_labels_always_fit(seconds: float, cells: int) -> None:
    labels = Times(HOUR, HOUR + seconds, cells).labels()
    assert all(HOUR <= at <= HOUR + seconds for at, _ in labels)
    assert len(labels) <= cells / 8 + 1 or seconds > cells * 86_400


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), max_size=20), st.integers(min_value=1, max_value=100))
@example([5e-324], 1)
def test_a_scale_holds_zero_and_every_value(values: list[float], dots: int) -> None:
    axis = scale(values, dots)
    assert axis.low <= 0 <= axis.top
    assert axis.low < axis.top
    assert all(axis.low - 1e-3 <= value <= axis.top + 1e-3 for value in values)
    assert all(0 <= axis.height(value) < dots for value in values)


@given(VALUES, st.integers(min_value=1, max_value=80))
def test_pooling_keeps_the_spike(values: list[float | None], columns: int) -> None:
    pooled = pool(values, columns)
    assert len(pooled) == columns
    known = [value for value in values if value is not None]
    assert max((v for v in pooled if v is not None), default=None) == max(known, default=None)


@given(VALUES, st.integers(min_value=0, max_value=40), SETS)
def test_a_sparkline_fills_its_cells(values: list[float | None], columns: int, glyphs: Glyphs) -> None:
    row = sparkline(values, columns, glyphs)
    assert len(row) == columns
    if glyphs is ASCII:
        assert row.isascii()


def test_a_sparkline_tells_nothing_from_zero_and_little() -> None:
    assert sparkline([None, 0, 0.01, 50, 100], 5, UNICODE) == " ▁▂▅█"
    assert sparkline([0, 0], 2, UNICODE) == "▁▁"
    assert sparkline([50], 1, UNICODE, top=100) == "▅"


@given(st.integers(min_value=1, max_value=130), st.data(), SETS)
def test_a_column_is_the_moment_that_is_drawn_there(columns: int, data: st.DataObject, glyphs: Glyphs) -> None:
    asked = spec(series(None))
    column = data.draw(st.integers(min_value=0, max_value=columns - 1))
    at = moment_at(asked, column, columns=columns, rows=8, glyphs=glyphs)
    if at is None:
        assert columns >= 30
        assert column < 5 or column > columns - 5
    else:
        row = plain(drawn(dataclasses.replace(asked, cursor=at), columns, 8, glyphs)[2])
        assert row[column] == glyphs.pen.cursor


def test_a_timespan_follows_the_present_until_it_is_moved() -> None:
    span = Timespan()
    assert span.bounds(HOUR) == (HOUR - DEFAULT, HOUR)
    assert span.words(HOUR) == "live, 1 h 00 m"
    back = span.panned(-1, HOUR)
    assert back.bounds(HOUR + 500) == (HOUR - 1.5 * DEFAULT, HOUR - DEFAULT / 2)
    assert back.words(HOUR) == "10:30:00 to 11:30:00"
    assert back.panned(1, HOUR).live
    assert back.following() == span
    assert back.words(HOUR + 86_400) == "2026-11-18 10:30 to 2026-11-18 11:30"


def test_zooming_keeps_the_middle_of_the_past_and_the_end_of_the_present() -> None:
    assert Timespan().zoomed(1, HOUR).bounds(HOUR) == (HOUR - 10_800, HOUR)
    back = Timespan(3600, HOUR - 36_000)
    start, end = back.zoomed(-1, HOUR).bounds(HOUR)
    assert end - start == 1800
    assert (start + end) / 2 == HOUR - 36_000 - 1800
    assert Timespan(LENGTHS[-1]).zoomed(1, HOUR).seconds == LENGTHS[-1]
    assert Timespan(LENGTHS[0]).zoomed(-1, HOUR).seconds == LENGTHS[0]
    assert Timespan(3600, HOUR - 60).zoomed(1, HOUR).live, "what would reach beyond the present follows it"


@given(st.dictionaries(st.sampled_from(["from", "to"]), st.text(max_size=12)))
def test_a_link_of_nonsense_shows_the_present(params: dict[str, str]) -> None:
    span = Timespan.of(params)
    assert 0 < span.seconds <= LENGTHS[-1]


def test_a_timespan_survives_its_link() -> None:
    span = Timespan(900, HOUR)
    assert Timespan.of(span.params(HOUR + 60)) == span
    assert Timespan.of({"from": "5", "to": "nan"}) == Timespan()
