"""An opt-out from statements in any order: the later one of each source decides, and STOP wins a tie."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.opt_out_state import LIFTED_BY_START, OptOutState

Statement = Callable[[OptOutState], OptOutState]
SOURCES = ["stop", "api", "bounce", "provider"]
asked = st.builds(lambda source, at: ("ask", source, at), st.sampled_from(SOURCES), st.integers(1, 9))
lifted = st.builds(lambda source, at: ("lift", source, at), st.sampled_from(SOURCES), st.integers(1, 9))


def told(statements: list[tuple[str, str, int]]) -> OptOutState:
    state = OptOutState()
    for verb, source, at_ms in statements:
        state = state.ask(source, at_ms) if verb == "ask" else state.lift([source], at_ms)
    return state


@given(st.lists(st.one_of(asked, lifted), max_size=8), st.randoms())
def test_order_and_copies_do_not_matter(statements: list[tuple[str, str, int]], chance: object) -> None:
    shuffled = [*statements, *statements[:3]]
    getattr(chance, "shuffle")(shuffled)  # noqa: B009 - the strategy's type is not public
    assert told(shuffled) == told(statements)


@given(st.lists(st.one_of(asked, lifted), max_size=8))
def test_a_source_holds_exactly_if_nothing_later_lifted_it(statements: list[tuple[str, str, int]]) -> None:
    state = told(statements)
    for source in SOURCES:
        last = {verb: max((at for v, s, at in statements if (v, s) == (verb, source)), default=0) for verb in
                ("ask", "lift")}  # fmt: skip
        assert (source in state.standing) == (last["ask"] > 0 and last["ask"] >= last["lift"])


@given(st.lists(st.one_of(asked, lifted), max_size=8), st.integers(1, 9))
def test_what_is_stored_is_what_is_read(statements: list[tuple[str, str, int]], version: int) -> None:
    state = told(statements)
    item = {**state.attributes(), "version": version}
    assert OptOutState.from_item(item) == OptOutState(state.asked, state.lifted, version)
    assert ("opted_out_at" in item) is state.opted_out


def test_start_lifts_one_s_own_stop_and_nothing_else() -> None:
    state = OptOutState().ask("stop", 10).ask("bounce", 11).lift(LIFTED_BY_START, 12)
    assert state.standing == {"bounce": 11}
    assert state.first == ("bounce", 11)


@pytest.mark.parametrize(("stop_ms", "holds"), [(1_999, True), (2_000, True), (999, False)])
def test_a_start_lifts_no_later_stop(stop_ms: int, holds: bool) -> None:
    assert OptOutState().ask("stop", stop_ms).lift(LIFTED_BY_START, 1_000).opted_out is holds


def test_an_item_of_before_sources_had_times_of_their_own() -> None:
    state = OptOutState.from_item({"opted_out_at": 5, "source": "bounce"})
    assert state.standing == {"bounce": 5}
    assert OptOutState.from_item(None).opted_out is False
