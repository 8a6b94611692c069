"""The one filter model: what it reads, what it writes back, what it refuses."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tasks.filters import (
    FILTER_PARAMETERS,
    NATURAL_ORDER,
    Archived,
    Due,
    Order,
    Sort,
    TaskFilters,
    priority_name,
)
from tasks.models import Task
from tenants.foundation.errors import InvalidInput

OWNER = UUID("01890000-0000-7000-8000-000000000001")


def parse(query: str, **options: object) -> TaskFilters:
    return TaskFilters.parse(dict(QueryDict(query).lists()), **options)  # type: ignore[arg-type]


def test_an_empty_query_string_means_live_tasks_last_touched_first() -> None:
    filters = parse("")
    assert filters == TaskFilters()
    assert filters.archived is Archived.NO
    assert str(filters.order) == "-updated"
    assert not filters.is_narrowed


def test_every_parameter_is_read_into_its_field() -> None:
    filters = parse(
        f"q=crane++hire&status=planned&status=blocked&priority=urgent&department=none&project={OWNER}"
        f"&assignee=me&assignee={OWNER}&due=week&due_before=2026-12-12&due_after=2026-12-01"
        "&completed_before=2026-11-30&completed_after=2026-11-01&tag=site&source=North&archived=all&sort=due"
    )
    assert filters == TaskFilters(
        search="crane hire",
        statuses=("planned", "blocked"),
        priorities=(4,),
        departments=("none",),
        projects=(OWNER,),
        assignees=("me", OWNER),
        due=Due.THIS_WEEK,
        due_before=date(2026, 12, 12),
        due_after=date(2026, 12, 1),
        completed_before=date(2026, 11, 30),
        completed_after=date(2026, 11, 1),
        tags=("site",),
        sources=("North",),
        archived=Archived.ALL,
        order=Order(Sort.DUE, is_descending=False),
    )
    assert filters.is_narrowed


def test_empty_values_and_repeats_do_not_count() -> None:
    assert parse("status=&q=+&due=&status=done&status=done") == TaskFilters(statuses=("done",))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=finished", "status"),
        ("priority=3", "priority"),
        ("department=operations", "department"),
        ("project=nobody", "project"),
        ("assignee=none", "assignee"),
        ("due=someday", "due"),
        ("due=today&due=overdue", "due"),
        ("due_before=12.12.2026", "due_before"),
        ("due_after=2026-02-30", "due_after"),
        ("completed_after=yesterday", "completed_after"),
        ("tag=" + "x" * 201, "tag"),
        ("tag=a%00b", "tag"),
        ("q=" + "x" * 201, "q"),
        ("q=a%00b", "q"),
        ("archived=true", "archived"),
        ("sort=colour", "sort"),
        ("sort=updated&sort=due", "sort"),
        ("&".join(f"tag=t{n}" for n in range(51)), "tag"),
    ],
)
def test_a_bad_value_is_refused_with_its_field_named(query: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(query)
    assert list(refusal.value.fields) == [field]


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse("status=x&due=y&sort=z")
    assert sorted(refusal.value.fields) == ["due", "sort", "status"]


def test_an_unknown_parameter_is_refused_only_when_strict() -> None:
    assert parse("view=board") == TaskFilters()
    assert parse("cursor=abc", strict=True, ignore=["cursor"]) == TaskFilters()
    with pytest.raises(InvalidInput) as refusal:
        parse("colour=red", strict=True, ignore=["cursor"])
    assert list(refusal.value.fields) == ["colour"]


def test_chips_are_links_to_the_same_filters_without_one() -> None:
    filters = parse("status=done&due_before=2026-12-12&sort=due")
    assert filters.without("statuses").query_string() == "due_before=2026-12-12&sort=due"
    assert filters.but(order=filters.order.reversed()).query_string(view="board") == (
        "status=done&due_before=2026-12-12&sort=-due&view=board"
    )


def test_each_sort_starts_in_its_natural_direction_and_can_be_turned() -> None:
    assert [str(NATURAL_ORDER[sort]) for sort in Sort] == [
        "-updated",
        "due",
        "-priority",
        "-created",
        "title",
        "-completed",
    ]
    for sort in Sort:
        assert parse(f"sort={sort}").order == Order(sort, is_descending=False)
        assert parse(f"sort=-{sort}").order == Order(sort, is_descending=True)


def test_priorities_have_words() -> None:
    assert [priority_name(value) for value in Task.Priority.values] == [
        "none",
        "low",
        "medium",
        "high",
        "urgent",
    ]


texts = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=40
)
days = st.none() | st.dates()


@given(
    st.builds(
        TaskFilters,
        statuses=st.lists(st.sampled_from(Task.Status.values), unique=True).map(tuple),
        priorities=st.lists(st.sampled_from(Task.Priority.values), unique=True).map(tuple),
        departments=st.lists(st.just("none") | st.uuids(), unique=True, max_size=4).map(tuple),
        assignees=st.lists(st.sampled_from(["me", "nobody"]) | st.uuids(), unique=True, max_size=4).map(
            tuple
        ),
        due=st.none() | st.sampled_from(Due),
        due_before=days,
        due_after=days,
        completed_after=days,
        tags=st.lists(texts, unique=True, max_size=4).map(tuple),
        search=st.just("") | texts,
        archived=st.sampled_from(Archived),
        order=st.builds(Order, st.sampled_from(Sort), st.booleans()),
    )
)
def test_whatever_is_written_is_read_back_the_same(filters: TaskFilters) -> None:
    assert parse(filters.query_string(), strict=True) == filters


def test_all_parameters_can_be_written_and_no_two_share_a_name() -> None:
    assert len(set(FILTER_PARAMETERS)) == len(FILTER_PARAMETERS)
    filters = TaskFilters(departments=(uuid4(),), projects=("none",), sources=("A & B",))
    assert set(dict(filters.pairs())) == {"department", "project", "source"}
