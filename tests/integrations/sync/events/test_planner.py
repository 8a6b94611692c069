"""The plan of a burst: never dearer than a call each, never above what the theory allows."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sync.events.planner import PAGE, Way, cheapest

counts = st.integers(min_value=1, max_value=20_000)


@given(dirty=counts, edited=st.none() | st.integers(min_value=0, max_value=50_000), share=st.floats(0, 1))
def test_a_plan_never_costs_more_than_a_call_each(dirty: int, edited: int | None, share: float) -> None:
    plan = cheapest(dirty=dirty, edited=edited, named=int(dirty * share))
    assert 1 <= plan.calls <= dirty


@given(dirty=counts, edited=st.none() | st.integers(min_value=0, max_value=50_000))
def test_a_look_on_the_way_never_costs_a_call_more(dirty: int, edited: int | None) -> None:
    without = cheapest(dirty=dirty, edited=edited)
    plan = cheapest(dirty=dirty, edited=edited, is_look_worth=True)
    assert plan.calls <= without.calls
    assert plan == without or (plan.way, plan.calls) == (Way.DELTA, 1)


def test_nothing_dirty_is_no_reason_to_look() -> None:
    assert cheapest(dirty=0, edited=None, is_look_worth=True).calls == 0


@given(dirty=counts)
def test_where_only_the_dirty_were_edited_the_plan_reaches_the_bound(dirty: int) -> None:
    assert cheapest(dirty=dirty, edited=dirty).calls == min(dirty, ceil(dirty / PAGE))


@given(dirty=counts, edited=st.integers(min_value=0, max_value=50_000))
def test_records_that_carry_our_id_are_never_dearer_than_without(dirty: int, edited: int) -> None:
    without = cheapest(dirty=dirty, edited=edited)
    assert cheapest(dirty=dirty, edited=edited, named=dirty).calls <= without.calls


@given(dirty=counts, edited=st.integers(min_value=0, max_value=50_000))
def test_more_foreign_edits_never_make_a_plan_cheaper(dirty: int, edited: int) -> None:
    assert cheapest(dirty=dirty, edited=edited).calls <= cheapest(dirty=dirty, edited=edited + PAGE).calls


@pytest.mark.parametrize(
    ("dirty", "edited", "named", "way", "calls"),
    [
        (0, None, 0, Way.EACH, 0),
        (1, 1, 1, Way.EACH, 1),
        (2, 2, 2, Way.DELTA, 1),
        (2, 5_000, 0, Way.EACH, 2),
        (50, 50, 0, Way.DELTA, 1),
        (50, 5_000, 0, Way.EACH, 50),
        (60, 5_900, 0, Way.DELTA, 59),
        (60, 5_900, 60, Way.NAMED, 1),
        (60, 5_900, 50, Way.NAMED, 11),
        (250, None, 250, Way.NAMED, 3),
        (10_000, 10_000, 0, Way.DELTA, 100),
    ],
)
def test_the_cheapest_way(dirty: int, edited: int | None, named: int, way: Way, calls: int) -> None:
    plan = cheapest(dirty=dirty, edited=edited, named=named)
    assert (plan.way, plan.calls) == (way, calls)
