"""One field, three values: who changed what, and what becomes of it; no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sync.canonical import Canonical
from integrations.sync.merge import (
    UNKNOWN,
    Direction,
    Merged,
    Outcome,
    Policy,
    Sides,
    Unknown,
    Winner,
    merge_default,
    merge_field,
    merge_sets,
)
from integrations.sync.vocabulary import OurField

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

sets = st.sets(st.sampled_from("abcdefg")).map(sorted)
values = st.sampled_from([None, "a", "b", "c"])
policies = st.sampled_from(list(Policy))
times = st.none() | st.integers(min_value=-300, max_value=300).map(lambda s: NOON + timedelta(seconds=s))


def merged(
    base: Canonical | Unknown,
    local: Canonical,
    remote: Canonical,
    *,
    field: OurField = OurField.DEPARTMENT,
    policy: Policy = Policy.NEWEST,
    direction: Direction = Direction.BOTH,
    here: datetime | None = None,
    there: datetime | None = NOON,
) -> Merged:
    return merge_field(Sides(field, base, local, remote, here, there), policy=policy, direction=direction)


@given(values, values, values, policies, times)
def test_what_one_side_alone_changed_is_never_overwritten(
    base: Any, local: Any, remote: Any, policy: Policy, here: datetime | None
) -> None:
    result = merged(base, local, remote, policy=policy, here=here)

    if local == remote:
        assert (result.outcome, result.value, result.base) == (Outcome.AGREED, local, remote)
    elif local == base:
        assert (result.outcome, result.value, result.base) == (Outcome.TAKE, remote, remote)
    elif remote == base:
        assert (result.outcome, result.value, result.base) == (Outcome.KEEP, local, remote)
    else:
        assert result.is_conflict
        assert result.value in (local, remote)
    assert result.is_conflict == (len({str(base), str(local), str(remote)}) == 3)


@given(values, values, values, policies, times)
def test_merging_again_changes_nothing_more(
    base: Any, local: Any, remote: Any, policy: Policy, here: datetime | None
) -> None:
    first = merged(base, local, remote, policy=policy, here=here)

    again = merged(first.base, first.value, remote, policy=policy, here=here)

    assert (again.value, again.base) == (first.value, first.base)
    assert again.is_conflict == (first.outcome is Outcome.WAIT)


@given(sets, sets, sets)
def test_sets_keep_every_addition_and_every_removal_of_both_sides(
    base: list[str], local: list[str], remote: list[str]
) -> None:
    result = set(merge_sets(base, local, remote))

    assert result >= (set(local) - set(base)) | (set(remote) - set(base))
    assert not result & ((set(base) - set(local)) | (set(base) - set(remote)))
    assert merge_sets(base, local, remote) == merge_sets(base, remote, local)
    assert merge_sets(base, local, base) == local
    assert merge_sets(base, base, remote) == remote


@given(sets, sets, sets, policies)
def test_sets_are_never_in_conflict_and_settle_once_the_result_was_sent(
    base: list[str], local: list[str], remote: list[str], policy: Policy
) -> None:
    result = merged(base, local, remote, field=OurField.TAGS, policy=policy)
    assert not result.is_conflict

    sent = merged(result.value, result.value, result.value, field=OurField.TAGS)

    assert sent.outcome is Outcome.AGREED
    assert result.value == merge_sets(base, local, remote)
    assert result.base == remote


@given(st.permutations(["title", "status", "due", "tags"]), st.integers(min_value=0, max_value=4))
def test_edits_of_different_fields_go_together_in_any_order(order: list[str], cut: int) -> None:
    here, there = set(order[:cut]), set(order[cut:])
    result = {
        name: merged("old", "new here" if name in here else "old", "new there" if name in there else "old")
        for name in order
    }

    assert {name: item.value for name, item in result.items()} == {
        name: "new here" if name in here else "new there" for name in order
    }
    assert not any(item.is_conflict for item in result.values())


@pytest.mark.parametrize(
    ("seconds", "winner"),
    [(-1, Winner.REMOTE), (0, Winner.REMOTE), (59, Winner.REMOTE), (60, Winner.LOCAL), (3600, Winner.LOCAL)],
)
def test_the_newest_edit_wins_and_within_the_minute_the_workspace_does(seconds: int, winner: Winner) -> None:
    result = merged("a", "b", "c", here=NOON + timedelta(seconds=seconds))

    assert result.winner is winner
    assert ("same minute" in result.reason) == (0 <= seconds < 60)


def test_an_edit_nobody_dated_gives_way_and_says_so() -> None:
    result = merged("a", "b", "c", here=None)

    assert (result.value, result.base, result.winner) == ("c", "c", Winner.REMOTE)
    assert "nobody knows when" in result.reason


@pytest.mark.parametrize(
    ("policy", "outcome", "value", "base"),
    [
        (Policy.REMOTE, Outcome.TAKE, "c", "c"),
        (Policy.LOCAL, Outcome.KEEP, "b", "c"),
        (Policy.MANUAL, Outcome.WAIT, "b", "a"),
    ],
)
def test_the_policy_decides_what_both_changed(
    policy: Policy, outcome: Outcome, value: str, base: str
) -> None:
    result = merged("a", "b", "c", policy=policy)

    assert (result.outcome, result.value, result.base) == (outcome, value, base)
    assert result.is_conflict


@pytest.mark.parametrize(
    ("local", "remote", "outcome"),
    [
        ("ours", "theirs", Outcome.TAKE),
        ("ours", None, Outcome.KEEP),
        (None, "theirs", Outcome.TAKE),
        ("same", "same", Outcome.AGREED),
    ],
)
def test_a_field_nobody_compared_before_takes_theirs_unless_theirs_is_empty(
    local: Any, remote: Any, outcome: Outcome
) -> None:
    result = merged(UNKNOWN, local, remote)

    assert result.outcome is outcome
    assert result.base == remote
    assert not result.is_conflict


def test_a_field_from_here_only_is_never_taken() -> None:
    result = merged("a", "a", "c", direction=Direction.OUT)

    assert (result.outcome, result.value, result.base) == (Outcome.KEEP, "a", "c")
    assert result.is_conflict  # their edit is about to be overwritten: it is kept where one can find it
    assert not merged("a", "b", "a", direction=Direction.OUT).is_conflict
    assert merged(UNKNOWN, None, "c", direction=Direction.OUT).base is None
    assert merged(UNKNOWN, "b", "c", direction=Direction.OUT).base == "c"


def test_a_field_from_there_only_is_taken_and_an_edit_here_is_kept_in_a_conflict() -> None:
    result = merged("a", "b", "c", direction=Direction.IN)

    assert (result.outcome, result.value, result.winner) == (Outcome.TAKE, "c", Winner.REMOTE)
    assert result.is_conflict
    assert not merged("a", "a", "c", direction=Direction.IN).is_conflict
    assert merged("a", "b", "a", direction=Direction.IN).outcome is Outcome.KEEP


def test_when_a_task_was_completed_follows_its_status_and_is_no_conflict_of_its_own() -> None:
    for direction in Direction:
        result = merged("a", "b", "c", field=OurField.COMPLETED, policy=Policy.MANUAL, direction=direction)
        assert not result.is_conflict


def test_a_department_the_mapping_gives_counts_until_somebody_here_changed_it() -> None:
    sides = Sides(OurField.DEPARTMENT, "Sales", "Sales", "Ops")
    assert merge_default(sides).outcome is Outcome.TAKE
    sides = Sides(OurField.DEPARTMENT, "Sales", "Legal", "Ops")
    assert merge_default(sides).outcome is Outcome.KEEP
