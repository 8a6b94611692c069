"""Reading tasks: who sees what, what each filter means, pages that stay right."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import FieldFetchBlocked
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tasks.filters import Archived, Due, Order, Sort, TaskFilters
from tasks.models import Task
from tasks.narrowing import Viewpoint
from tasks.selectors import (
    count_up_to,
    filtered_tasks,
    found_tasks,
    links_of,
    open_blockers_of,
    task_page,
    visible_task,
    visible_tasks,
)
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.foundation.keyset import Cursor, Direction
from tenants.tenancy import TenantRef, tenant_scope
from tests.factories.tasks import make_department, make_person, make_project, make_task

TODAY = date(2026, 11, 25)  # a Wednesday
SYSTEM_VIEW = Viewpoint(None, TODAY)


def titles(filters: TaskFilters, viewpoint: Viewpoint = SYSTEM_VIEW) -> list[str]:
    tasks = filtered_tasks(actor=SYSTEM, filters=filters, viewpoint=viewpoint)
    return sorted(tasks.values_list("title", flat=True))


def test_people_of_the_company_see_its_tasks_and_a_guest_none(member: UserActor, guest: UserActor) -> None:
    task = make_task()
    assert list(visible_tasks(actor=member)) == [task]
    assert list(visible_tasks(actor=guest)) == []
    with pytest.raises(NotFound):
        visible_task(actor=guest, key=task.key)


def test_another_company_sees_nothing_of_it(tenant: TenantRef, other_tenant: TenantRef) -> None:
    task = make_task()
    with tenant_scope(other_tenant):
        assert not visible_tasks(actor=SYSTEM).filter(pk=task.pk).exists()


def test_each_filter_keeps_what_it_says(tenant: TenantRef, member: UserActor) -> None:
    roads, grid = make_department(), make_department()
    salt = make_project()
    me, ann = make_person(user=member.user), make_person()
    make_task(title="a", status="blocked", priority=4, department=roads, assignees=[me], source="North")
    make_task(title="b", status="done", project=salt, assignees=[ann], tags=["ice", "road"])
    make_task(title="c", department=grid, project=salt, assignees=[me, ann], tags=["ice"])
    make_task(title="d", status="cancelled", archived_at=datetime(2026, 1, 1, tzinfo=UTC))
    viewpoint = Viewpoint(member.user_id, TODAY)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "abc"),
        ({"statuses": ("blocked", "done")}, "ab"),
        ({"priorities": (4,)}, "a"),
        ({"departments": (roads.pk,)}, "a"),
        ({"departments": ("none",)}, "b"),
        ({"departments": (grid.pk, "none")}, "bc"),
        ({"projects": (salt.pk,)}, "bc"),
        ({"projects": ("none",)}, "a"),
        ({"assignees": ("me",)}, "ac"),
        ({"assignees": (ann.pk,)}, "bc"),
        ({"assignees": (ann.pk, "me")}, "abc"),
        ({"tags": ("road",)}, "b"),
        ({"tags": ("road", "ice")}, "bc"),
        ({"sources": ("North",)}, "a"),
        ({"archived": Archived.ONLY}, "d"),
        ({"archived": Archived.ALL}, "abcd"),
        ({"statuses": ("blocked",), "assignees": ("me",), "priorities": (4, 3)}, "a"),
    ]
    for values, expected in cases:
        assert "".join(titles(TaskFilters(**values), viewpoint)) == expected, values
    make_task(title="e")
    assert titles(TaskFilters(assignees=("nobody",))) == ["e"]
    assert titles(TaskFilters(assignees=("nobody", ann.pk))) == ["b", "c", "e"]
    assert titles(TaskFilters(assignees=("me",))) == []


def test_due_filters_count_from_today(tenant: TenantRef) -> None:
    for days in (-3, -1, 0, 1, 4, 5):
        make_task(title=f"{days:+d}", due_on=TODAY + timedelta(days=days))
    make_task(title="late but done", status="done", due_on=TODAY - timedelta(days=9))
    make_task(title="whenever")
    assert titles(TaskFilters(due=Due.OVERDUE)) == ["-1", "-3"]
    assert titles(TaskFilters(due=Due.TODAY)) == ["+0"]
    assert titles(TaskFilters(due=Due.THIS_WEEK)) == ["+0", "+1", "+4", "-1"]
    assert titles(TaskFilters(due=Due.NONE)) == ["whenever"]
    assert titles(TaskFilters(due_after=TODAY)) == ["+1", "+4", "+5"]
    assert titles(TaskFilters(due_before=TODAY, statuses=("planned",))) == ["-1", "-3"]
    assert titles(TaskFilters(due_after=TODAY, due_before=TODAY + timedelta(days=5))) == ["+1", "+4"]


def test_completion_is_counted_in_days(tenant: TenantRef) -> None:
    for day in (1, 2, 3):
        make_task(title=str(day), status="done", completed_at=datetime(2026, 11, day, 23, 59, tzinfo=UTC))
    make_task(title="open")
    assert titles(TaskFilters(completed_after=date(2026, 11, 1))) == ["2", "3"]
    assert titles(TaskFilters(completed_before=date(2026, 11, 3))) == ["1", "2"]
    assert titles(TaskFilters(completed_after=date.max)) == []


def test_search_wants_every_word_in_the_title_or_the_key(tenant: TenantRef) -> None:
    make_task(title="Order crane for Kvitsøy")
    make_task(title="Crane hire, 100% north_side")
    task = make_task(title="Something else")
    assert titles(TaskFilters(search="CRANE")) == ["Crane hire, 100% north_side", "Order crane for Kvitsøy"]
    assert titles(TaskFilters(search="kvitsøy order")) == ["Order crane for Kvitsøy"]
    assert titles(TaskFilters(search="100%")) == ["Crane hire, 100% north_side"]
    assert titles(TaskFilters(search="h_s")) == ["Crane hire, 100% north_side"]
    assert titles(TaskFilters(search=task.key.lower())) == ["Something else"]
    assert [found.title for found in found_tasks(actor=SYSTEM, words="crane   order")] == [
        "Order crane for Kvitsøy"
    ]
    assert found_tasks(actor=SYSTEM, words="  ") == []


ORDERS = [Order(sort, descending) for sort in Sort for descending in (False, True)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_pages_show_every_task_once_forth_and_back(tenant: TenantRef, order: Order) -> None:
    for n in range(11):
        make_task(
            title=f"Task {n % 4}",
            priority=n % 3,
            status="done" if n % 2 else "planned",
            due_on=None if n % 3 else TODAY + timedelta(days=n % 4),
        )
    filters = TaskFilters(order=order)
    expected = [task.pk for task in task_page(actor=SYSTEM, filters=filters, size=100).rows]
    assert len(set(expected)) == 11
    seen, cursor, back = [], None, None
    while True:
        page = task_page(actor=SYSTEM, filters=filters, cursor=cursor, size=4)
        seen += [task.pk for task in page.rows]
        if page.next_cursor is None:
            back = page.previous_cursor
            break
        cursor = page.next_cursor
    assert seen == expected
    earlier = task_page(actor=SYSTEM, filters=filters, cursor=back, size=4)
    assert [task.pk for task in earlier.rows] == expected[4:8]


def test_undated_tasks_come_last_when_the_soonest_comes_first(tenant: TenantRef) -> None:
    make_task(title="never")
    make_task(title="soon", due_on=TODAY)
    page = task_page(actor=SYSTEM, filters=TaskFilters(order=Order(Sort.DUE, is_descending=False)))
    assert [task.title for task in page.rows] == ["soon", "never"]


def test_a_cursor_of_another_order_is_refused(tenant: TenantRef) -> None:
    for _ in range(3):
        make_task()
    page = task_page(actor=SYSTEM, filters=TaskFilters(), size=2)
    with pytest.raises(InvalidInput) as refusal:
        task_page(
            actor=SYSTEM,
            filters=TaskFilters(order=Order(Sort.TITLE, is_descending=False)),
            cursor=page.next_cursor,
        )
    assert list(refusal.value.fields) == ["cursor"]


def test_a_page_costs_two_queries_whatever_its_size(tenant: TenantRef) -> None:
    people = [make_person(), make_person()]
    for _ in range(30):
        make_task(department=make_department(), project=make_project(), assignees=people)
    with CaptureQueriesContext(connections[tenant.cell]) as sent:
        rows = task_page(actor=SYSTEM, filters=TaskFilters(), size=30).rows
        shown = [
            (row.key, row.department and row.department.name, row.project and row.project.name,
             [person.name for person in row.assignees.all()])
            for row in rows
        ]  # fmt: skip
    assert len(shown) == 30
    assert len(sent) == 2
    with pytest.raises(FieldFetchBlocked):
        _ = rows[0].description


def test_counts_stop_at_their_limit(tenant: TenantRef) -> None:
    for _ in range(5):
        make_task()
    assert str(count_up_to(Task.objects.all(), 3)) == "3+"
    assert str(count_up_to(Task.objects.all(), 5)) == "5"


def test_what_a_task_waits_for_and_what_waits_for_it(tenant: TenantRef) -> None:
    done, running = make_task(status="done"), make_task(status="in_progress")
    task = make_task(depends_on=[done, running])
    later, part = make_task(depends_on=[task]), make_task(parent=task)
    links = links_of(task=task, actor=SYSTEM)
    assert set(links.blocked_by) == {done, running}
    assert (links.blocking, links.parts) == ([later], [part])
    assert open_blockers_of([task.pk, running.pk]) == {task.pk: [running.key]}


def test_a_task_is_found_by_key_or_id(tenant: TenantRef) -> None:
    task = make_task()
    assert visible_task(actor=SYSTEM, key=task.key.lower()) == task
    assert visible_task(actor=SYSTEM, key=str(task.pk)) == task
    for nothing in ("NOPE-1", "x" * 500, "a b"):
        with pytest.raises(NotFound):
            visible_task(actor=SYSTEM, key=nothing)


@pytest.mark.parametrize("by", [Sort.DUE, Sort.COMPLETED, Sort.UPDATED])
@pytest.mark.parametrize("value", [True, 0, -1, 10**30, 1e308, "", "2026-13-45", "infinity", "' OR 1=1 --"])
def test_a_cursor_somebody_made_up_is_invalid_input_whatever_the_sort(
    tenant: TenantRef, by: Sort, value: object
) -> None:
    make_task()
    for order in (Order(by, is_descending=False), Order(by, is_descending=True)):
        cursor = Cursor(str(order), Direction.NEXT, value, str(uuid7())).encode()
        with pytest.raises(InvalidInput) as caught:
            list(task_page(actor=SYSTEM, filters=TaskFilters(order=order), cursor=cursor).rows)
        assert caught.value.code == "invalid_input.cursor"
