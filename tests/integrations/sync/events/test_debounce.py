"""A burst is over after three quiet seconds, and after fifteen in any case."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from integrations.sync.events.debounce import LONGEST_SECONDS, QUIET_SECONDS, seconds_to_wait

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
spans = st.floats(min_value=0, max_value=60)


def wait(first: float, last: float, now: float) -> float:
    first_at, last_at, present = (START + timedelta(seconds=item) for item in (first, last, now))
    return seconds_to_wait(first_at=first_at, last_at=last_at, now=present)


def test_one_event_waits_for_three_quiet_seconds() -> None:
    assert wait(0, 0, 0) == QUIET_SECONDS
    assert wait(0, 0, 3) == 0


def test_another_event_begins_the_quiet_anew() -> None:
    assert wait(0, 2, 2.5) == 2.5


def test_events_that_never_stop_are_read_after_fifteen_seconds() -> None:
    assert wait(0, 14, 14) == 1
    assert wait(0, 15, 15) == 0


@given(first=spans, gap=spans, later=spans)
def test_nobody_waits_longer_than_the_longest(first: float, gap: float, later: float) -> None:
    last, now = first + gap, first + gap + later
    assert 0 <= wait(first, last, now) <= QUIET_SECONDS
    if now - first >= LONGEST_SECONDS:
        assert wait(first, last, now) == 0


@given(back=st.floats(min_value=0, max_value=86_400))
def test_a_clock_that_was_set_back_keeps_nobody_waiting(back: float) -> None:
    assert wait(0, 0, -back) <= QUIET_SECONDS
