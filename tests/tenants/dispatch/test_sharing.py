"""Start-time fair queueing, without a database."""

from collections import Counter
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from tenants.dispatch.sharing import Candidate, share_out

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        tenant_id=st.uuids(),
        virtual_time=st.floats(0, 1000),
        weight=st.sampled_from([0.5, 1.0, 2.0]),
        places=st.integers(0, 6),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.tenant_id,
)


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


def test_equal_tenants_take_turns() -> None:
    a, b = ids(2)

    plan = share_out([Candidate(a, 0, 1, 5), Candidate(b, 0, 1, 5)], places=6, clock=0)

    assert Counter(plan.turns) == {a: 3, b: 3}
    assert all(
        {first, second} == {a, b} for first, second in zip(plan.turns[::2], plan.turns[1::2], strict=True)
    )


def test_twice_the_weight_is_twice_the_turns() -> None:
    light, heavy = ids(2)

    plan = share_out([Candidate(light, 0, 1, 99), Candidate(heavy, 0, 2, 99)], places=30, clock=0)

    assert Counter(plan.turns) == {light: 10, heavy: 20}


def test_a_tenant_that_was_idle_joins_at_the_clock_and_has_saved_up_nothing() -> None:
    busy, idle = ids(2)

    plan = share_out([Candidate(busy, 1000, 1, 99), Candidate(idle, 3, 1, 99)], places=10, clock=999)

    assert Counter(plan.turns) in ({busy: 5, idle: 5}, {busy: 4, idle: 6})


def test_a_tenant_far_ahead_waits_until_the_others_have_caught_up() -> None:
    ahead, behind = ids(2)

    plan = share_out([Candidate(ahead, 50, 1, 99), Candidate(behind, 10, 1, 99)], places=40, clock=10)

    assert plan.turns == (behind,) * 40


def test_a_newcomer_is_served_in_the_first_round_however_much_another_has_waiting() -> None:
    hog, *others = ids(11)

    plan = share_out(
        [Candidate(hog, 0, 1, 2000), *(Candidate(other, 0, 1, 1) for other in others)], places=22, clock=0
    )

    assert set(plan.turns[:11]) == {hog, *others}
    assert Counter(plan.turns)[hog] == 12


@given(CANDIDATES, st.integers(0, 40), st.floats(0, 500))
def test_places_are_filled_and_nobody_gets_more_than_asked_for(
    candidates: list[Candidate], places: int, clock: float
) -> None:
    plan = share_out(candidates, places=places, clock=clock)

    turns, wanted = Counter(plan.turns), {candidate.tenant_id: candidate.places for candidate in candidates}
    assert len(plan.turns) == min(places, sum(wanted.values()))
    assert all(count <= wanted[tenant_id] for tenant_id, count in turns.items())
    assert plan.clock >= clock
    assert set(plan.virtual_times) == set(turns)
    for candidate in candidates:
        if candidate.tenant_id in turns:
            expected = max(candidate.virtual_time, clock) + turns[candidate.tenant_id] / candidate.weight
            assert abs(plan.virtual_times[candidate.tenant_id] - expected) < 1e-6
