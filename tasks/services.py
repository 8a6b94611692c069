"""Writes of the main noun: what people and automations do to tasks, one use case a function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from tasks.activity import Happening, record
from tasks.changing import apply_changes
from tasks.commenting import add_comment
from tasks.drafts import TaskChanges
from tasks.events import TaskCreated, TasksArchived, TasksRestored
from tasks.importing.people import upsert_people
from tasks.importing.projects import upsert_projects
from tasks.importing.relations import set_task_relations
from tasks.importing.services import set_task_descriptions, upsert_tasks
from tasks.linking import add_dependency, remove_dependency
from tasks.models import Project, Task, TaskActivity
from tasks.models.number_series import NO_PROJECT_PREFIX
from tasks.numbering import take_numbers
from tasks.projects import create_project, update_project
from tasks.selectors import open_blockers_of
from tenants.accounts.access import Actor, can, require, require_somewhere
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

__all__ = [
    "add_comment",
    "add_dependency",
    "archive_task",
    "archive_tasks",
    "complete_task",
    "create_project",
    "create_task",
    "edit_tasks",
    "move_task",
    "remove_dependency",
    "restore_task",
    "restore_tasks",
    "set_task_descriptions",
    "set_task_relations",
    "update_project",
    "update_task",
    "upsert_people",
    "upsert_projects",
    "upsert_tasks",
]

MAX_AT_ONCE: Final = 200


@atomic
def create_task(*, changes: TaskChanges, actor: Actor) -> Task:
    """Make a task; `changes` has to hold a title. Its number comes from its project, or the company's series.

    Raises: Forbidden, InvalidInput (a value, or something referred to, is not right).
    """
    given = changes.given()
    project_id = given.get("project_id")
    task = Task(title="", department_id=given.get("department_id"), project_id=project_id)
    require(actor, "tasks.create", on=task)
    if "title" not in given:
        raise InvalidInput("A task needs a title.", fields={"title": ["This is needed."]})
    task = Task(title="")
    prefix = (
        Project.objects.filter(pk=project_id).values_list("key", flat=True).first() if project_id else None
    )
    task.key_prefix = prefix or NO_PROJECT_PREFIX
    task.number = take_numbers({task.key_prefix: 1})[task.key_prefix]
    apply_changes([task], changes, actor=actor, is_new=True)
    record([Happening(task_id=task.pk, verb=TaskActivity.Verb.CREATED)], actor=actor)
    publish(TaskCreated(task_id=task.pk))
    return task


@atomic
def update_task(*, task: Task, changes: TaskChanges, actor: Actor) -> Task:
    """Change fields of a task. Setting the status to done is completing it, with that rule.

    Raises: Forbidden, NotFound, InvalidInput, Conflict (archived, or completed with an open blocker).
    """
    return edit_tasks(ids=[task.pk], changes=changes, actor=actor)[0]


@atomic
def edit_tasks(*, ids: Sequence[UUID], changes: TaskChanges, actor: Actor) -> list[Task]:
    """Make the same changes on up to 200 tasks: all of them, or none.

    Raises: Forbidden, NotFound (one is not there), InvalidInput, Conflict (one is archived, or waits for
    another and would be completed).
    """
    tasks = _locked(ids)
    for task in tasks:
        require(actor, "tasks.edit", on=task)
    _change(tasks, changes, actor)
    if not can(actor, "tasks.edit"):
        # Whoever may edit a part of the company only puts no task where they may not.
        for task in tasks:
            require(actor, "tasks.edit", on=task)
    return tasks


@atomic
def complete_task(*, task: Task, actor: Actor) -> Task:
    """Move a task to done.

    Raises: Forbidden, NotFound, Conflict (already done, archived, or an open blocker).
    """
    (locked,) = _locked([task.pk])
    require(actor, "tasks.complete", on=locked)
    if locked.is_done:
        raise Conflict("This task is already done.", code="tasks.already_done")
    _change([locked], TaskChanges(status=Task.Status.DONE), actor)
    return locked


@atomic
def move_task(*, task: Task, status: str, actor: Actor) -> Task:
    """Move a task to another status; moving it to where it is changes nothing.

    Raises: Forbidden, NotFound, InvalidInput (no such status), Conflict (archived, or an open blocker).
    """
    return edit_tasks(ids=[task.pk], changes=TaskChanges(status=status), actor=actor)[0]


@atomic
def archive_task(*, task: Task, actor: Actor) -> Task:
    """Put a task away. Raises: Forbidden, NotFound."""
    archive_tasks(ids=[task.pk], actor=actor)
    return Task.objects.get(pk=task.pk)


@atomic
def archive_tasks(*, ids: Sequence[UUID], actor: Actor) -> list[UUID]:
    """Put tasks away; those already away stay so. Returns the ids of those newly archived.

    Raises: Forbidden. Ids that are not tasks are left out, so that a sync may name what is gone already.
    """
    tasks = list(Task.objects.filter(pk__in=list(ids)).live().select_for_update(no_key=True).order_by("pk"))
    _require_all(actor, "tasks.archive", tasks)
    changed = _put(tasks, archived=True, actor=actor)
    if changed:
        publish(TasksArchived(task_ids=tuple(changed)))
    return changed


@atomic
def restore_task(*, task: Task, actor: Actor) -> Task:
    """Take a task out of the archive. Raises: Forbidden, NotFound."""
    restore_tasks(ids=[task.pk], actor=actor)
    return Task.objects.get(pk=task.pk)


@atomic
def restore_tasks(*, ids: Sequence[UUID], actor: Actor) -> list[UUID]:
    """Take tasks out of the archive. Returns the ids of those that were in it. Raises: Forbidden."""
    away = Task.objects.filter(pk__in=list(ids), archived_at__isnull=False)
    tasks = list(away.select_for_update(no_key=True).order_by("pk"))
    _require_all(actor, "tasks.archive", tasks)
    changed = _put(tasks, archived=False, actor=actor)
    if changed:
        publish(TasksRestored(task_ids=tuple(changed)))
    return changed


def _change(tasks: Sequence[Task], changes: TaskChanges, actor: Actor) -> None:
    for task in tasks:
        if task.is_archived:
            raise Conflict(f"{task.key} is archived. Restore it first.", code="tasks.archived")
    if changes.status == Task.Status.DONE:
        _check_may_complete([task for task in tasks if not task.is_done], actor)
    apply_changes(tasks, changes, actor=actor)


def _require_all(actor: Actor, code: str, tasks: Iterable[Task]) -> None:
    """Let an actor pass who holds a permission for each of some tasks, or for all there are. Raises: Forbidden."""
    if can(actor, code):
        return
    require_somewhere(actor, code)
    for task in tasks:
        require(actor, code, on=task)


def _put(tasks: Iterable[Task], *, archived: bool, actor: Actor) -> list[UUID]:
    now = timezone.now()
    ids = [task.pk for task in tasks]
    Task.objects.filter(pk__in=ids).update(archived_at=now if archived else None, updated_at=now)
    verb = TaskActivity.Verb.ARCHIVED if archived else TaskActivity.Verb.RESTORED
    record([Happening(task_id=task_id, verb=verb) for task_id in ids], actor=actor)
    return ids


def _locked(ids: Sequence[UUID]) -> list[Task]:
    """The tasks with these ids, locked, in the order asked for. Raises: NotFound, InvalidInput (too many)."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_AT_ONCE:
        raise InvalidInput(
            f"At most {MAX_AT_ONCE} tasks can be changed at once.",
            code="tasks.too_many",
            fields={"ids": [f"At most {MAX_AT_ONCE}."]},
        )
    rows = Task.objects.filter(pk__in=wanted).select_related("department", "project", "milestone")
    found: dict[Any, Task] = {
        task.pk: task for task in rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    }
    if len(found) != len(wanted):
        raise NotFound("There is no such task.", code="tasks.not_found")
    return [found[task_id] for task_id in wanted]


def _check_may_complete(tasks: Sequence[Task], actor: Actor) -> None:
    for task in tasks:
        require(actor, "tasks.complete", on=task)
    blockers = open_blockers_of([task.pk for task in tasks])
    for task in tasks:
        if keys := blockers.get(task.pk):
            names = ", ".join(keys[:3]) + (" and others" if len(keys) > 3 else "")
            raise Conflict(
                f"{task.key} still waits for {names}.", code="tasks.blocked", params={"blockers": keys}
            )
