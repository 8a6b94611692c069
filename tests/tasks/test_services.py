"""What people do to tasks: who may, what changes, what is told."""

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext

from tasks.drafts import TaskChanges
from tasks.models import Task, TaskActivity
from tasks.services import (
    archive_task,
    archive_tasks,
    complete_task,
    create_task,
    edit_tasks,
    move_task,
    restore_task,
    update_task,
)
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.outbox.models import OutboxEvent
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_person, make_project, make_task


def told() -> list[str]:
    return list(OutboxEvent.objects.order_by("id").values_list("name", flat=True))


def test_a_member_makes_a_task(member: UserActor) -> None:
    project, person = make_project(key="OPS"), make_person()
    task = create_task(
        changes=TaskChanges(
            title="  Order   salt ", project_id=project.pk, assignee_ids=[person.pk], tags=["road", "road"]
        ),
        actor=member,
    )
    task.refresh_from_db()
    assert (task.key, task.title, task.status, task.tags) == ("OPS-1", "Order salt", "planned", ["road"])
    assert list(task.assignees.all()) == [person]
    assert told() == ["task.created"]
    entry = TaskActivity.objects.get(task=task)
    assert (entry.verb, entry.actor_name, entry.user_id) == ("created", member.name, member.user_id)


def test_tasks_without_a_project_are_numbered_by_the_company(member: UserActor) -> None:
    keys = [create_task(changes=TaskChanges(title=title), actor=member).key for title in ("One", "Two")]
    assert keys == ["TASK-1", "TASK-2"]


def test_a_task_made_done_has_a_time_of_completion(member: UserActor) -> None:
    task = create_task(changes=TaskChanges(title="Order salt", status="done"), actor=member)
    assert task.completed_at is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (TaskChanges(), "title"),
        (TaskChanges(title=" \x00 "), "title"),
        (TaskChanges(title="x" * 501), "title"),
        (TaskChanges(title="A", status="finished"), "status"),
        (TaskChanges(title="A", priority=7), "priority"),
        (TaskChanges(title="A", project_id=uuid4()), "project_id"),
        (TaskChanges(title="A", department_id=uuid4()), "department_id"),
        (TaskChanges(title="A", parent_id=uuid4()), "parent_id"),
        (TaskChanges(title="A", assignee_ids=[uuid4()]), "assignee_ids"),
        (TaskChanges(title="A", tags=[f"t{n}" for n in range(51)]), "tags"),
        (TaskChanges(title="A", start_on=date(2026, 2, 2), due_on=date(2026, 2, 1)), "due_on"),
    ],
)
def test_a_bad_value_is_refused_with_its_field_named(
    member: UserActor, changes: TaskChanges, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        create_task(changes=changes, actor=member)
    assert list(refusal.value.fields) == [field]
    assert Task.objects.count() == 0


def test_a_guest_may_do_nothing(guest: UserActor) -> None:
    task = make_task()
    attempts: list[Callable[[], Task]] = [
        lambda: create_task(changes=TaskChanges(title="A"), actor=guest),
        lambda: update_task(task=task, changes=TaskChanges(title="A"), actor=guest),
        lambda: complete_task(task=task, actor=guest),
        lambda: move_task(task=task, status="blocked", actor=guest),
        lambda: archive_task(task=task, actor=guest),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


def test_a_member_may_not_archive_but_a_manager_may(member: UserActor, manager: UserActor) -> None:
    task = make_task()
    with pytest.raises(Forbidden):
        archive_task(task=task, actor=member)
    assert archive_task(task=task, actor=manager).is_archived
    assert not restore_task(task=task, actor=manager).is_archived
    assert told() == ["tasks.archived", "tasks.restored"]


def test_only_what_changes_is_written_and_told(member: UserActor) -> None:
    task = make_task(title="Order salt", priority=2)
    same = update_task(task=task, changes=TaskChanges(title="Order salt", priority=2), actor=member)
    assert same.updated_at == task.updated_at
    assert told() == []
    department = make_department(name="Roads")
    changed = update_task(
        task=task, changes=TaskChanges(priority=4, department_id=department.pk), actor=member
    )
    assert changed.updated_at > task.updated_at
    (event,) = OutboxEvent.objects.all()
    assert (event.name, event.payload["changed"]) == ("task.updated", ["department", "priority"])
    assert TaskActivity.objects.get(task=task).changes == {
        "priority": ["Medium", "Urgent"],
        "department": [None, "Roads"],
    }


def test_moving_tells_from_where_to_where(member: UserActor) -> None:
    task = make_task(status="planned")
    assert move_task(task=task, status="in_review", actor=member).status == "in_review"
    assert told() == ["task.updated", "task.moved"]
    moved = OutboxEvent.objects.get(name="task.moved")
    assert (moved.payload["from_status"], moved.payload["to_status"]) == ("planned", "in_review")
    assert TaskActivity.objects.get(task=task).verb == "moved"


def test_completing_tells_and_can_be_undone_by_moving_back(member: UserActor) -> None:
    task = make_task(status="in_progress")
    done = complete_task(task=task, actor=member)
    assert done.is_done
    assert done.completed_at is not None
    assert told() == ["task.updated", "task.moved", "task.completed"]
    assert move_task(task=done, status="in_progress", actor=member).completed_at is None


def test_a_done_task_cannot_be_completed_again(member: UserActor) -> None:
    with pytest.raises(Conflict) as refusal:
        complete_task(task=make_task(status="done"), actor=member)
    assert refusal.value.code == "tasks.already_done"


def test_a_task_that_waits_for_another_cannot_be_completed(member: UserActor) -> None:
    blocker = make_task(status="in_progress")
    task = make_task(depends_on=[blocker])
    with pytest.raises(Conflict) as refusal:
        complete_task(task=task, actor=member)
    assert refusal.value.code == "tasks.blocked"
    assert blocker.key in str(refusal.value)
    complete_task(task=blocker, actor=member)
    assert complete_task(task=task, actor=member).is_done


def test_an_archived_task_cannot_be_changed(member: UserActor, manager: UserActor) -> None:
    task = archive_task(task=make_task(), actor=manager)
    with pytest.raises(Conflict) as refusal:
        update_task(task=task, changes=TaskChanges(title="New"), actor=member)
    assert refusal.value.code == "tasks.archived"


def test_many_tasks_change_in_as_many_statements_as_one(tenant: TenantRef, member: UserActor) -> None:
    person = make_person()
    tasks = [make_task() for _ in range(20)]
    changes = TaskChanges(status="blocked", priority=3, assignee_ids=[person.pk])
    with CaptureQueriesContext(connections[tenant.cell]) as single:
        edit_tasks(ids=[tasks[0].pk], changes=changes, actor=member)
    with CaptureQueriesContext(connections[tenant.cell]) as many:
        edit_tasks(ids=[task.pk for task in tasks[1:]], changes=changes, actor=member)
    assert len(many) <= len(single)
    assert Task.objects.filter(status="blocked", priority=3, assignees=person).count() == 20


def test_when_one_of_many_cannot_change_none_does(member: UserActor) -> None:
    tasks = [make_task(), make_task(depends_on=[make_task()])]
    with pytest.raises(Conflict):
        edit_tasks(ids=[task.pk for task in tasks], changes=TaskChanges(status="done"), actor=member)
    with pytest.raises(NotFound):
        edit_tasks(ids=[tasks[0].pk, uuid4()], changes=TaskChanges(status="done"), actor=member)
    assert not Task.objects.filter(status="done").exists()


def test_a_task_cannot_be_part_of_what_is_part_of_it(member: UserActor) -> None:
    whole = make_task()
    part = make_task(parent=whole)
    crumb = make_task(parent=part)
    for parent in (whole, part, crumb):
        with pytest.raises(InvalidInput) as refusal:
            update_task(task=whole, changes=TaskChanges(parent_id=parent.pk), actor=member)
        assert list(refusal.value.fields) == ["parent_id"]


def test_archiving_leaves_out_what_is_gone(tenant: TenantRef) -> None:
    task, away = make_task(), archive_task(task=make_task(), actor=SYSTEM)
    assert archive_tasks(ids=[task.pk, away.pk, uuid4()], actor=SYSTEM) == [task.pk]


def test_the_table_itself_refuses_what_makes_no_sense(tenant: TenantRef) -> None:
    task = make_task()
    for wrong in ({"status": "done"}, {"title": ""}, {"priority": 9}, {"status": "x"}, {"parent": task}):
        with pytest.raises(IntegrityError), transaction.atomic(using=tenant.cell):
            Task.objects.filter(pk=task.pk).update(**wrong)
