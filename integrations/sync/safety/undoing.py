"""One change of a run, taken back: values that nobody has changed since, archived and restored tasks."""

from dataclasses import dataclass, field

from integrations.models import SyncChange
from integrations.sync.canonical import Canonical, local_values
from integrations.sync.conflicts.applying import apply_value
from integrations.sync.push.requests import request_push
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tasks.services import archive_tasks, restore_tasks
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic

CHANGED_SINCE, NOT_UNDONE = "changed_since", "not_undone"


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back (`fields`: what was there → what is there again), and what was not, with the reason."""

    action: str = SyncChange.Action.UPDATED
    fields: dict[str, list[Canonical]] = field(default_factory=dict)
    is_anything: bool = False
    code: str = CHANGED_SINCE
    problem: str = ""


def take_back(change: SyncChange) -> Undone:
    """Undo one change, here; what differs from the other side then is sent there. Inside a transaction.

    A value that was sent there is put back here as well, so both sides are in step again. Safe to repeat.
    """
    tasks = Task.objects.select_for_update(no_key=True)
    task = tasks.filter(pk=change.task_id).first() if change.task_id else None
    if task is None:
        return Undone(code=NOT_UNDONE, problem="It is no task, or its task is gone.")
    try:
        with atomic():
            undone = _take_back(change, task)
    except DomainError as error:
        return Undone(code=NOT_UNDONE, problem=str(error))
    if undone.is_anything:
        request_push(task_ids=[task.pk], is_interactive=False)
    return undone


def _take_back(change: SyncChange, task: Task) -> Undone:
    if change.action == SyncChange.Action.UPDATED:
        return _values(change, task)
    if change.action == SyncChange.Action.CREATED:
        return _creation(change, task)
    was_archived = change.action == SyncChange.Action.ARCHIVED
    if (task.archived_at is not None) is not was_archived:
        word = "restored" if was_archived else "archived"
        return Undone(problem=f"It was {word} again since.")
    if was_archived:
        restore_tasks(ids=[task.pk], actor=SYSTEM)
        return Undone(SyncChange.Action.RESTORED, is_anything=True)
    archive_tasks(ids=[task.pk], actor=SYSTEM)
    return Undone(SyncChange.Action.ARCHIVED, is_anything=True)


def _values(change: SyncChange, task: Task) -> Undone:
    """Put back each value that is still the one the run wrote."""
    now = local_values([task.pk]).get(task.pk, {})
    back: dict[str, list[Canonical]] = {}
    kept: list[str] = []
    for name, (before, after) in change.fields.items():
        if name == OurField.COMPLETED.value:
            # It follows the status.
            continue
        if now.get(name) == before:
            continue
        if now.get(name) != after:
            kept.append(name)
            continue
        apply_value(task, OurField(name), before, actor=SYSTEM)
        back[name] = [after, before]
    problem = f"Changed since, so left as it is: {', '.join(sorted(kept))}." if kept else ""
    return Undone(fields=back, is_anything=bool(back), problem=problem)


def _creation(change: SyncChange, task: Task) -> Undone:
    if change.side == SyncChange.Side.THERE:
        # To put the row away and keep its task would bring it back with the next edit: a person says what goes.
        way = (
            "archive the task to remove it from both sides."
            if change.collection.trashes_records
            else "remove it there; the task stays."
        )
        return Undone(code=NOT_UNDONE, problem=f"Its row there was new: {way}")
    if task.archived_at is not None:
        return Undone(problem="It was archived since.")
    if change.collection.trashes_records:
        reason = "Archiving the task would put its row there into the trash, where it was before the run."
        return Undone(code=NOT_UNDONE, problem=reason)
    now = local_values([task.pk]).get(task.pk, {})
    edited = [
        name
        for name, (_, after) in change.fields.items()
        if name in now and name != OurField.DESCRIPTION.value and now[name] != after
    ]
    if edited:
        return Undone(problem=f"It was edited since ({', '.join(sorted(edited))}), so it stays.")
    archive_tasks(ids=[task.pk], actor=SYSTEM)
    return Undone(SyncChange.Action.ARCHIVED, is_anything=True)
