"""The figures about tasks are what counting by hand gives."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from reporting.metrics.completions import completed_until_now_last_week, weekly_completions
from reporting.metrics.remaining import remaining_by_week
from reporting.metrics.task_states import task_states
from reporting.metrics.weeks import Week, last_weeks
from tasks.models import Task
from tenants.accounts.access import UserActor
from tests.factories.tasks import make_department, make_task

DAY = timedelta(days=1)


def in_week(week: Week, day: int = 1) -> datetime:
    """Noon on a day of a week, though never later than now."""
    noon = timezone.make_aware(datetime.combine(week.monday + day * DAY, time(12)))
    return min(noon, timezone.now() - timedelta(seconds=1))


def test_states_are_counted_and_archived_tasks_are_not(member: UserActor) -> None:
    yesterday = timezone.localdate() - DAY
    make_task()
    make_task(status="blocked", updated_at=timezone.now() - 8 * DAY, due_on=yesterday, priority=4)
    make_task(status="blocked", due_on=timezone.localdate())
    make_task(status="done", due_on=yesterday)
    make_task(status="cancelled")
    make_task(status="blocked", archived_at=timezone.now())
    states = task_states(actor=member)
    assert (states.total, states.open, states.blocked, states.stale_blocked) == (5, 3, 2, 1)
    assert (states.overdue, states.overdue_urgent) == (1, 1)


def test_a_guest_counts_nothing(guest: UserActor) -> None:
    make_task()
    assert task_states(actor=guest).total == 0
    assert weekly_completions(actor=guest, weeks=last_weeks(2)) == []


def test_weeks_run_from_monday_in_the_readers_zone() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        weeks = last_weeks(3)
        assert [week.monday.weekday() for week in weeks] == [0, 0, 0]
        assert weeks[0].next_monday == weeks[1].monday
        assert weeks[-1].starts_at <= timezone.now() < weeks[-1].ends_at
        assert weeks[-1].starts_at.utcoffset() == timedelta(hours=9)


def test_completions_are_counted_by_week_and_department(member: UserActor) -> None:
    weeks = last_weeks(3)
    it, legal = make_department(name="IT", color=1), make_department(name="Legal", color=4)
    make_task(status="done", department=it, completed_at=in_week(weeks[0]))
    make_task(status="done", department=it, completed_at=in_week(weeks[1]))
    make_task(status="done", department=legal, completed_at=in_week(weeks[1]))
    make_task(status="done", completed_at=in_week(weeks[1]))
    make_task(status="done", department=it, completed_at=weeks[0].starts_at - timedelta(seconds=1))
    make_task(department=it)
    rows = {row.name: row for row in weekly_completions(actor=member, weeks=weeks)}
    assert rows["IT"].counts == (1, 1, 0)
    assert rows["Legal"].counts == (0, 1, 0)
    assert rows["Legal"].color == 4
    assert (rows[""].counts, rows[""].department_id) == ((0, 1, 0), None)


def test_the_departments_that_did_most_come_first(member: UserActor) -> None:
    weeks = last_weeks(2)
    few, many = make_department(name="A few"), make_department(name="Many")
    for department in (few, many, many):
        make_task(status="done", department=department, completed_at=in_week(weeks[0]))
    assert [row.name for row in weekly_completions(actor=member, weeks=weeks)] == ["Many", "A few"]


def test_this_week_is_compared_with_last_week_until_the_same_moment(member: UserActor) -> None:
    now = timezone.now()
    make_task(status="done", completed_at=now - 7 * DAY - timedelta(minutes=1))
    make_task(status="done", completed_at=now - 7 * DAY + timedelta(minutes=1))
    this_week = last_weeks(1)[0]
    expected = 1 if now - 7 * DAY - timedelta(minutes=1) >= this_week.starts_at - 7 * DAY else 0
    assert completed_until_now_last_week(actor=member, this_week=this_week) == expected


def brute_force(weeks: tuple[Week, ...]) -> list[tuple[int, int]]:
    """Open and late tasks at the end of each week, task by task."""
    result = []
    for week in weeks:
        end = min(week.ends_at, timezone.now())
        there = [
            task
            for task in Task.objects.filter(archived_at=None).exclude(status="cancelled")
            if task.created_at < end and (task.completed_at is None or task.completed_at >= end)
        ]
        day = timezone.localtime(end).date()
        result.append((len(there), sum(task.due_on is not None and task.due_on < day for task in there)))
    return result


@pytest.mark.parametrize("count", [2, 5])
def test_what_remained_is_what_going_through_every_task_finds(member: UserActor, count: int) -> None:
    weeks = last_weeks(count)
    old = weeks[0].starts_at - 30 * DAY
    for week in weeks:
        made = in_week(week)
        make_task(created_at=made, due_on=week.monday + 2 * DAY)
        make_task(created_at=made)
        make_task(created_at=old, status="done", completed_at=made, due_on=week.monday - 3 * DAY)
        make_task(created_at=old, status="done", completed_at=made)
        make_task(created_at=old, status="cancelled")
        make_task(created_at=old, archived_at=made)
    make_task(created_at=old, due_on=weeks[0].monday)
    completed = [
        sum(row.counts[place] for row in weekly_completions(actor=member, weeks=weeks))
        for place in range(count)
    ]
    open_now = task_states(actor=member).open
    told = remaining_by_week(actor=member, weeks=weeks, open_now=open_now, completed=completed)
    assert list(zip(told.open, told.late, strict=True)) == brute_force(weeks)
    assert told.on_time == tuple(all_ - late for all_, late in brute_force(weeks))
