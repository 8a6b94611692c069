"""Conflicts between a task and its record, for tests; made through the tables."""

from itertools import count
from typing import Any, Final

from integrations.models import Conflict, Connection, ExternalLink, FieldMapping, SyncedCollection
from integrations.sync.canonical import local_values
from integrations.sync.carrying import RECORD
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tests.factories.tasks import make_task

_numbers = count(1)
_KINDS: Final = {
    "title": "title",
    "status": "status",
    "priority": "choice",
    "description": "text",
    "assignees": "people",
    "due": "date",
    "start": "date",
    "estimate": "number",
    "tags": "choices",
    "department": "choice",
    "project": "choice",
    "parent": "relation",
    "blocked_by": "relation",
}


def task_with_link(**values: Any) -> tuple[Task, ExternalLink]:
    """A task and its record in a workspace whose every field is mapped; both sides agree on everything."""
    connection, _ = Connection.objects.get_or_create(
        connector="notion",
        account_id="bot-1",
        defaults={"name": "Operations", "workspace_id": "w-1"},
    )
    collection, is_new = SyncedCollection.objects.get_or_create(
        connection=connection,
        remote_id="tasks",
        defaults={
            "title": "Tasks", "role": "tasks", "is_enabled": True, "mapping_state": "confirmed",
        },
    )  # fmt: skip
    if is_new:
        FieldMapping.objects.bulk_create(
            FieldMapping(
                collection=collection, our_field=name, remote_field_id=name, remote_field_name=name.title(),
                remote_kind=kind, state="confirmed",
            )
            for name, kind in _KINDS.items()
        )  # fmt: skip
    task = make_task(**values)
    base = local_values([task.pk])[task.pk]
    link = ExternalLink.objects.create(
        connection=connection,
        collection=collection,
        remote_id=f"record-{next(_numbers)}",
        url="https://workspace.example/record",
        title=task.title,
        task=task,
        base=base,
    )
    return task, link


def conflicting(
    *,
    our_field: str = "title",
    base: Any = "Old",
    local: Any = "Ours",
    remote: Any = "Theirs",
    chosen: str = "",
    fits_task: bool = False,
    task: Task | None = None,
    **values: Any,
) -> Conflict:
    """A conflict that waits, or that the rule decided (`chosen`), with a task that is as it says.

    `fits_task` takes the task's own value for the one here.
    """
    if task is None:
        title = {"": local, "local": local, "remote": remote}.get(chosen) if our_field == "title" else None
        task, link = task_with_link(**({"title": title} if isinstance(title, str) else {}))
    else:
        link = ExternalLink.objects.get(task=task)
    if our_field != RECORD and link.base is not None:
        link.base[our_field] = remote if chosen else base
        link.save()
    if fits_task:
        local = local_values([task.pk], fields=[OurField(our_field)])[task.pk][our_field]
    return Conflict.objects.create(
        connection_id=link.connection_id,
        link=link,
        task=task,
        our_field=our_field,
        base=base,
        local=local,
        remote=remote,
        chosen=chosen,
        state=Conflict.State.DECIDED if chosen else Conflict.State.OPEN,
        **{"policy": "newest" if chosen else "manual", "reason": "Both sides changed it."} | values,
    )
