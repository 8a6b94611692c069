"""Importing tasks in batches: what is written, what is left alone, in how many statements."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tasks.drafts import TaskDraft
from tasks.models import Person, Project, Task, TaskActivity, TaskAssignee
from tasks.services import set_task_descriptions, upsert_tasks
from tenants.accounts.access import SYSTEM, UserActor
from tenants.accounts.models import Department
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_person, make_task

CREATED = datetime(2026, 3, 1, 9, tzinfo=UTC)
EDITED = datetime(2026, 10, 5, 16, 20, tzinfo=UTC)


def drafts(count: int, **values: object) -> list[TaskDraft]:
    return [
        TaskDraft(
            id=uuid7(),
            title=f"Inspect blade {n}",
            **{"status": "planned", "department_name": "Operations", "project_name": "Winter works"} | values,  # type: ignore[arg-type]
        )
        for n in range(count)
    ]


def statements(tenant: TenantRef) -> CaptureQueriesContext:
    return CaptureQueriesContext(connections[tenant.cell])


def test_new_tasks_are_created_as_told(tenant: TenantRef) -> None:
    person = make_person()
    (draft,) = drafts(
        1,
        status="in_progress",
        priority=3,
        start_on=date(2026, 11, 1),
        due_at=datetime(2026, 12, 2, 15, tzinfo=UTC),
        estimate_hours=Decimal("2.5"),
        tags=["site", "crane", "site"],
        assignee_ids=[person.pk],
        created_at=CREATED,
        updated_at=EDITED,
        source="Field notes",
        source_url="https://example.org/page",
    )
    result = upsert_tasks(drafts=[draft], actor=SYSTEM)
    assert (result.created_ids, result.updated_ids, result.unchanged_ids) == ((draft.id,), (), ())
    task = Task.objects.get(pk=draft.id)
    assert task.title == "Inspect blade 0"
    assert task.key == "WW-1"
    assert task.department is not None
    assert task.department.name == "Operations"
    assert (task.due_on, task.priority, task.estimate_hours) == (date(2026, 12, 2), 3, Decimal("2.50"))
    assert task.tags == ["site", "crane"]
    assert list(task.assignees.all()) == [person]
    assert (task.created_at, task.updated_at) == (CREATED, EDITED)
    assert (task.source, task.source_url) == ("Field notes", "https://example.org/page")
    assert [entry.verb for entry in TaskActivity.objects.filter(task=task)] == ["created"]


def test_what_did_not_change_is_not_written(tenant: TenantRef) -> None:
    batch = drafts(5, tags=["a"], assignee_ids=[make_person().pk], updated_at=EDITED)
    upsert_tasks(drafts=batch, actor=SYSTEM)
    with statements(tenant) as sent:
        result = upsert_tasks(drafts=batch, actor=SYSTEM)
    assert result.unchanged_ids == tuple(draft.id for draft in batch)
    assert not [q["sql"] for q in sent if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_only_what_changed_is_updated_and_told(tenant: TenantRef) -> None:
    first, second = batch = drafts(2, priority=1, updated_at=CREATED)
    upsert_tasks(drafts=batch, actor=SYSTEM)
    changed = TaskDraft(id=first.id, status="done", priority=4, updated_at=EDITED)
    same = TaskDraft(id=second.id, title="Inspect blade 1", updated_at=EDITED)
    result = upsert_tasks(drafts=[changed, same], actor=SYSTEM)
    assert (result.updated_ids, result.unchanged_ids) == ((first.id,), (second.id,))
    task = Task.objects.get(pk=first.id)
    assert (task.title, task.status, task.completed_at) == ("Inspect blade 0", "done", EDITED)
    entry = TaskActivity.objects.filter(task=task, verb="synced").get()
    assert entry.changes == {"status": ["Planned", "Done"], "priority": ["Low", "Urgent"]}
    assert Task.objects.get(pk=second.id).updated_at == CREATED


def test_people_are_put_on_and_taken_off(tenant: TenantRef) -> None:
    ann, ben, cid = make_person(name="Ann"), make_person(name="Ben"), make_person(name="Cid")
    (draft,) = drafts(1, assignee_ids=[ann.pk, ben.pk])
    upsert_tasks(drafts=[draft], actor=SYSTEM)
    result = upsert_tasks(
        drafts=[TaskDraft(id=draft.id, assignee_ids=[ben.pk, cid.pk, uuid7()])], actor=SYSTEM
    )
    assert result.updated_ids == (draft.id,)
    assert {row.person for row in TaskAssignee.objects.filter(task=draft.id)} == {ben, cid}
    entry = TaskActivity.objects.filter(task=draft.id, verb="synced").get()
    assert entry.changes == {"assignees": ["Ann, Ben", "Ben, Cid"]}


def test_numbers_run_on_for_each_project_and_for_tasks_without_one(tenant: TenantRef) -> None:
    upsert_tasks(drafts=drafts(3) + drafts(2, project_name=None), actor=SYSTEM)
    upsert_tasks(drafts=drafts(1) + drafts(1, project_name=None), actor=SYSTEM)
    keys = Task.objects.order_by("key_prefix", "number").values_list("key", flat=True)
    assert list(keys) == ["TASK-1", "TASK-2", "TASK-3", "WW-1", "WW-2", "WW-3", "WW-4"]


def test_names_find_what_is_there_whatever_their_case(tenant: TenantRef) -> None:
    upsert_tasks(drafts=drafts(2), actor=SYSTEM)
    upsert_tasks(drafts=drafts(1, department_name="OPERATIONS", project_name="winter  works"), actor=SYSTEM)
    assert Department.objects.filter(name__iexact="operations").count() == 1
    assert Project.objects.count() == 1
    assert Project.objects.get().key == "WW"


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(tenant: TenantRef) -> None:
    people = [make_person().pk for _ in range(3)]
    with statements(tenant) as small:
        upsert_tasks(drafts=drafts(2, assignee_ids=people), actor=SYSTEM)
    with statements(tenant) as large:
        upsert_tasks(drafts=drafts(100, assignee_ids=people), actor=SYSTEM)
    assert len(large) <= len(small)
    assert len(large) <= 25


def test_a_bad_value_loses_neither_its_task_nor_its_neighbours(tenant: TenantRef) -> None:
    good, bad = drafts(2)
    bad = TaskDraft(id=bad.id, title="x" * 5000, status="on fire", priority=3)
    result = upsert_tasks(drafts=[good, bad], actor=SYSTEM)
    assert set(result.created_ids) == {good.id, bad.id}
    assert [(problem.task_id, problem.field) for problem in result.problems] == [(bad.id, "status")]
    task = Task.objects.get(pk=bad.id)
    assert (task.status, task.priority, len(task.title)) == ("planned", 3, 5000)


def test_an_archived_task_can_come_back(tenant: TenantRef) -> None:
    (draft,) = drafts(1)
    upsert_tasks(drafts=[draft], actor=SYSTEM)
    upsert_tasks(drafts=[TaskDraft(id=draft.id, is_archived=True)], actor=SYSTEM)
    assert Task.objects.get(pk=draft.id).is_archived
    result = upsert_tasks(drafts=[TaskDraft(id=draft.id, is_archived=False)], actor=SYSTEM)
    assert result.updated_ids == (draft.id,)
    assert not Task.objects.get(pk=draft.id).is_archived


def test_a_task_of_another_project_keeps_its_key(tenant: TenantRef) -> None:
    (draft,) = drafts(1)
    upsert_tasks(drafts=[draft], actor=SYSTEM)
    upsert_tasks(drafts=[TaskDraft(id=draft.id, project_name="Summer works")], actor=SYSTEM)
    task = Task.objects.select_related("project").get(pk=draft.id)
    assert task.project is not None
    assert (task.key, task.project.name, task.project.key) == ("WW-1", "Summer works", "SW")


def test_too_many_drafts_or_an_id_twice_are_refused(tenant: TenantRef) -> None:
    with pytest.raises(InvalidInput):
        upsert_tasks(drafts=drafts(501), actor=SYSTEM)
    (draft,) = drafts(1)
    with pytest.raises(InvalidInput):
        upsert_tasks(drafts=[draft, draft], actor=SYSTEM)
    assert Task.objects.count() == 0


def test_a_member_may_not_import(tenant: TenantRef, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        upsert_tasks(drafts=drafts(1), actor=member)


def test_texts_are_set_where_they_differ(tenant: TenantRef) -> None:
    one, two, three = make_task(description="old"), make_task(description="same"), make_task()
    Task.objects.update(updated_at=CREATED)
    bodies: dict[UUID, str] = {one.pk: "new\x00", two.pk: "same", three.pk: "first", uuid7(): "nobody's"}
    result = set_task_descriptions(bodies=bodies, actor=SYSTEM)
    assert set(result.updated_ids) == {one.pk, three.pk}
    assert result.unchanged_ids == (two.pk,)
    one.refresh_from_db()
    three.refresh_from_db()
    assert (one.description, three.description) == ("new", "first")
    assert one.updated_at > CREATED
    assert three.updated_at == CREATED


def test_no_department_and_no_project_are_values_too(tenant: TenantRef) -> None:
    (draft,) = drafts(1)
    upsert_tasks(drafts=[draft], actor=SYSTEM)
    upsert_tasks(drafts=[TaskDraft(id=draft.id, department_name=None, project_name="")], actor=SYSTEM)
    task = Task.objects.get(pk=draft.id)
    assert task.department is None
    assert task.project is None
    assert Person.objects.count() == 0
