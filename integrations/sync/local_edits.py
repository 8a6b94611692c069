"""When somebody changed a field of a task here, from the activity of the task."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.sync.vocabulary import OurField
from tasks.models import TaskActivity

#: What a field is called in the activity.
_NAMES: Final[Mapping[str, OurField]] = {
    "title": OurField.TITLE,
    "status": OurField.STATUS,
    "priority": OurField.PRIORITY,
    "description": OurField.DESCRIPTION,
    "assignees": OurField.ASSIGNEES,
    "due_on": OurField.DUE,
    "due_at": OurField.DUE,
    "start_on": OurField.START,
    "completed_at": OurField.COMPLETED,
    "estimate_hours": OurField.ESTIMATE,
    "tags": OurField.TAGS,
    "department": OurField.DEPARTMENT,
    "project": OurField.PROJECT,
    "parent": OurField.PARENT,
    "depends_on": OurField.BLOCKED_BY,
}
# What a sync wrote is nobody's edit here.
_EDITS: Final = (TaskActivity.Verb.UPDATED, TaskActivity.Verb.MOVED)


def local_edit_times(task_ids: Collection[UUID]) -> dict[UUID, dict[str, datetime]]:
    """When each field of these tasks was last edited here, by task and our field; one statement.

    A field nobody has edited here is missing.
    """
    if not task_ids:
        return {}
    rows = TaskActivity.objects.filter(task__in=list(task_ids), verb__in=_EDITS).order_by("created_at", "id")
    times: dict[UUID, dict[str, datetime]] = {task_id: {} for task_id in task_ids}
    for task_id, changes, at in rows.values_list("task_id", "changes", "created_at"):
        for name in changes:
            if (our_field := _NAMES.get(name)) is not None:
                times[task_id][our_field.value] = at
    return times
