"""Writes what tasks hang on: parents and dependencies, whole batches compared as sets."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from tasks.drafts import TaskRelations, Unset, UpsertResult
from tasks.events import TasksSynced
from tasks.importing.services import MAX_BATCH
from tasks.models import Task, TaskDependency
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic


@atomic
def set_task_relations(*, links: Sequence[TaskRelations], actor: Actor) -> UpsertResult:
    """Make parents and dependencies what the links say; about seven statements for at most 500 links.

    Ids that are not tasks here, and a task that would hang on itself, are left out. Circles are kept: the
    source has them, and a person has to undo them there. Announces one `TasksSynced`.

    Raises: Forbidden, InvalidInput (more than 500 links).
    """
    require(actor, "tasks.import")
    if len(links) > MAX_BATCH:
        raise InvalidInput(f"A batch holds at most {MAX_BATCH} links.", code="tasks.bad_batch")
    told = {link.task_id: link for link in links}
    tasks = {
        task.pk: task
        for task in Task.objects.filter(pk__in=list(told))
        .only("pk", "parent_id", "updated_at")
        .select_for_update(no_key=True)
        .order_by("pk")
    }
    known = _known(links)
    moved = _set_parents(tasks, told, known)
    linked = _set_dependencies(tasks, told, known)
    changed = moved | linked
    if changed:
        now = timezone.now()
        Task.objects.filter(pk__in=linked - moved).update(updated_at=now)
        publish(TasksSynced(created_ids=(), updated_ids=tuple(sorted(changed))))
    return UpsertResult(updated_ids=tuple(sorted(changed)), unchanged_ids=tuple(sorted(set(tasks) - changed)))


def _known(links: Sequence[TaskRelations]) -> set[UUID]:
    named: set[UUID] = set()
    for link in links:
        if not isinstance(link.parent_id, Unset) and link.parent_id is not None:
            named.add(link.parent_id)
        if not isinstance(link.depends_on_ids, Unset):
            named.update(link.depends_on_ids)
    return set(Task.objects.filter(pk__in=named).values_list("pk", flat=True))


def _set_parents(tasks: dict[UUID, Task], told: dict[UUID, TaskRelations], known: set[UUID]) -> set[UUID]:
    moved: list[Task] = []
    for task_id, task in tasks.items():
        parent_id = told[task_id].parent_id
        if isinstance(parent_id, Unset):
            continue
        target = parent_id if parent_id in known and parent_id != task_id else None
        if task.parent_id != target:
            task.parent_id, task.updated_at = target, timezone.now()
            moved.append(task)
    if moved:
        Task.objects.bulk_update(moved, ["parent", "updated_at"])
    return {task.pk for task in moved}


def _set_dependencies(
    tasks: dict[UUID, Task], told: dict[UUID, TaskRelations], known: set[UUID]
) -> set[UUID]:
    wanted = {
        task_id: {pk for pk in ids if pk in known and pk != task_id}
        for task_id in tasks
        if not isinstance(ids := told[task_id].depends_on_ids, Unset)
    }
    present: dict[UUID, dict[UUID, int]] = {task_id: {} for task_id in wanted}
    rows = TaskDependency.objects.filter(task__in=list(wanted)).values_list("pk", "task_id", "depends_on_id")
    for pk, task_id, depends_on_id in rows:
        present[task_id][depends_on_id] = pk
    gone = [
        pk
        for task_id, links in present.items()
        for other, pk in links.items()
        if other not in wanted[task_id]
    ]
    fresh = [
        TaskDependency(task_id=task_id, depends_on_id=other)
        for task_id, others in wanted.items()
        for other in sorted(others - set(present[task_id]))
    ]
    if gone:
        TaskDependency.objects.filter(pk__in=gone).delete()
    if fresh:
        TaskDependency.objects.bulk_create(fresh, ignore_conflicts=True)
    return {task_id for task_id, others in wanted.items() if others != set(present[task_id])}
