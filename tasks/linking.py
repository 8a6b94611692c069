"""Dependencies made and undone by hand: which task waits for which, never in a circle."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from tasks.activity import Happening, record
from tasks.events import TaskUpdated
from tasks.models import Task, TaskActivity, TaskDependency
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

MAX_DEPTH = 200


@atomic
def add_dependency(*, task: Task, depends_on: Task, actor: Actor) -> TaskDependency:
    """Make a task wait for another.

    Raises: Forbidden, InvalidInput (the task itself, or a circle), Conflict (it waits for it already).
    """
    require(actor, "tasks.edit", on=task)
    # Two people could otherwise close a circle from both ends.
    list(Task.objects.filter(pk__in=[task.pk, depends_on.pk]).select_for_update(no_key=True).order_by("pk"))
    if task.pk == depends_on.pk or _waits_for(depends_on.pk, task.pk):
        raise InvalidInput(
            f"{depends_on.key} waits for {task.key} already, directly or through others.",
            code="tasks.circle",
            fields={"depends_on": ["This would make a circle."]},
        )
    link, is_new = TaskDependency.objects.get_or_create(task=task, depends_on=depends_on)
    if not is_new:
        raise Conflict(f"{task.key} waits for {depends_on.key} already.", code="tasks.linked_already")
    _tell(task, (None, depends_on.key), actor)
    return link


@atomic
def remove_dependency(*, task: Task, depends_on: Task, actor: Actor) -> None:
    """Make a task wait for another no longer. Raises: Forbidden, Conflict (it does not)."""
    require(actor, "tasks.edit", on=task)
    gone, _ = TaskDependency.objects.filter(task=task, depends_on=depends_on).delete()
    if not gone:
        raise Conflict(f"{task.key} does not wait for {depends_on.key}.", code="tasks.not_linked")
    _tell(task, (depends_on.key, None), actor)


def _tell(task: Task, change: tuple[str | None, str | None], actor: Actor) -> None:
    Task.objects.filter(pk=task.pk).update(updated_at=timezone.now())
    record(
        [Happening(task_id=task.pk, verb=TaskActivity.Verb.UPDATED, changes={"depends_on": change})],
        actor=actor,
    )
    publish(TaskUpdated(task_id=task.pk, changed=("depends_on",)))


def _waits_for(task_id: UUID, other_id: UUID) -> bool:
    """Whether a task waits for another, directly or through others: one query a step along the links."""
    seen: set[UUID] = set()
    frontier = {task_id}
    for _ in range(MAX_DEPTH):
        frontier = (
            set(TaskDependency.objects.filter(task__in=frontier).values_list("depends_on_id", flat=True))
            - seen
        )
        if other_id in frontier:
            return True
        if not frontier:
            return False
        seen |= frontier
    return True
