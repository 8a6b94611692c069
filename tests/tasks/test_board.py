"""The board: its columns, their cards and counts, and the cards after them."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tasks.board import board_columns, column_page
from tasks.filters import Order, Sort, TaskFilters
from tasks.models import Task
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_person, make_task


def test_every_column_has_its_first_cards_and_its_count(tenant: TenantRef) -> None:
    for n in range(5):
        make_task(title=f"P{n}", priority=n % 5)
    make_task(status="blocked", title="B")
    make_task(status="cancelled")
    columns = board_columns(
        actor=SYSTEM, filters=TaskFilters(order=Order(Sort.PRIORITY, is_descending=True)), size=3
    )
    assert [(column.status, column.count) for column in columns] == [
        ("planned", 5),
        ("in_progress", 0),
        ("blocked", 1),
        ("in_review", 0),
        ("done", 0),
    ]
    assert [task.title for task in columns[0].tasks] == ["P4", "P3", "P2"]
    assert columns[0].next_cursor is not None
    assert columns[2].next_cursor is None


def test_the_cards_after_the_first_ones(tenant: TenantRef) -> None:
    for n in range(5):
        make_task(title=f"P{n}")
    make_task(status="blocked")
    filters = TaskFilters(order=Order(Sort.TITLE, is_descending=False))
    first = board_columns(actor=SYSTEM, filters=filters, size=3)[0]
    assert first.next_cursor is not None
    page = column_page(actor=SYSTEM, filters=filters, status=Task.Status.PLANNED, cursor=first.next_cursor)
    assert [task.title for task in page.rows] == ["P3", "P4"]
    assert page.next_cursor is None


@pytest.mark.parametrize("statuses", [("blocked",), ("cancelled", "planned")])
def test_a_status_filter_leaves_the_other_columns_out(tenant: TenantRef, statuses: tuple[str, ...]) -> None:
    make_task(status="blocked")
    columns = board_columns(actor=SYSTEM, filters=TaskFilters(statuses=statuses))
    assert {column.status for column in columns} == set(statuses)


def test_a_board_costs_three_queries_whatever_is_on_it(tenant: TenantRef) -> None:
    for status in Task.Status:
        for _ in range(6):
            make_task(status=status, department=make_department(), assignees=[make_person()])
    with CaptureQueriesContext(connections[tenant.cell]) as sent:
        columns = board_columns(actor=SYSTEM, filters=TaskFilters())
        assert all(
            task.department and len(task.assignees.all()) == 1 for column in columns for task in column.tasks
        )
    assert len(sent) == 3


def test_a_guest_has_an_empty_board(guest: UserActor) -> None:
    make_task()
    assert sum(column.count for column in board_columns(actor=guest, filters=TaskFilters())) == 0
