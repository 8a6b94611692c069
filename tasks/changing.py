"""Checks what a person changes on tasks, writes it and tells: the heart of creating and updating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from tasks.activity import Happening, record
from tasks.drafts import TaskChanges
from tasks.events import TaskAssigned, TaskCompleted, TaskMoved, TaskUpdated
from tasks.importing.normalising import MAX_HOURS, clean_tags, clean_text, settle
from tasks.models import Milestone, Person, Project, Task, TaskActivity, TaskAssignee
from tenants.accounts.access import Actor
from tenants.accounts.models import Department
from tenants.foundation.errors import InvalidInput
from tenants.outbox.bus import DomainEvent, publish

MAX_TITLE_CHARS: Final = 500
MAX_DESCRIPTION_CHARS: Final = 200_000
MAX_TAGS: Final = 50
MAX_ASSIGNEES: Final = 50
MAX_DEPTH: Final = 50
_REFERRED: Final = {
    "department_id": Department,
    "project_id": Project,
    "milestone_id": Milestone,
    "parent_id": Task,
}
# The same as for one of another project: nobody finds out which there are.
_UNKNOWN: Final = {"milestone_id": "The task's project has no such milestone."}


@dataclass
class _Checked:
    """Changes that passed: values by column, referred rows by column, people by id (None: not given)."""

    values: dict[str, Any]
    referred: dict[str, Any]
    people: dict[UUID, str] | None
    errors: dict[str, list[str]] = field(default_factory=dict)


def apply_changes(
    tasks: Sequence[Task], changes: TaskChanges, *, actor: Actor, is_new: bool = False
) -> list[UUID]:
    """Make the same changes on each task and announce them; returns the ids of those that changed.

    The tasks are locked by the caller, or new and not saved yet (then nothing is announced here). A dozen
    statements at most, however many tasks. Raises: InvalidInput.
    """
    checked = _check(changes)
    _check_ancestry(tasks, checked)
    _check_milestones(tasks, checked)
    now = timezone.now()
    differences = {task.pk: _set_on(task, checked, now) for task in tasks}
    if is_new:
        Task.objects.bulk_create(tasks)
    people = _set_people(tasks, checked.people, is_new=is_new)
    for task_id, (before, after, _, _) in people.items():
        differences[task_id]["assignees"] = (before, after)
    changed = [task for task in tasks if differences[task.pk]]
    if is_new or not changed:
        return [task.pk for task in tasks] if is_new else []
    columns = {*checked.values, *checked.referred, "completed_at", "due_on", "due_at", "updated_at"}
    if "project_id" in checked.referred:
        columns.add("milestone_id")
    for task in changed:
        task.updated_at = now
    Task.objects.bulk_update(changed, sorted(columns))
    record([_happening(task, differences[task.pk]) for task in changed], actor=actor)
    assigned = [
        TaskAssigned(task_id=task_id, added_person_ids=added, removed_person_ids=removed)
        for task_id, (_, _, added, removed) in people.items()
    ]
    publish(*[event for task in changed for event in _events(task, differences[task.pk])], *assigned)
    return [task.pk for task in changed]


def _check(changes: TaskChanges) -> _Checked:
    values = changes.given()
    assignee_ids = values.pop("assignee_ids", None)
    checked = _Checked(values=values, referred={}, people=None)
    for name, rule in _RULES.items():
        if name in values:
            try:
                values[name] = rule(values[name])
            except (ValueError, InvalidOperation) as problem:
                checked.errors[name] = [str(problem)]
    for name, model in _REFERRED.items():
        if name in values and (pk := values.pop(name, None)) is not None:
            checked.referred[name] = model._default_manager.filter(pk=pk).first()
            if checked.referred[name] is None:
                checked.errors[name] = [_UNKNOWN.get(name, "There is no such thing.")]
        elif name in changes.given():
            checked.referred[name] = None
    if assignee_ids is not None:
        checked.people = _people(assignee_ids, checked.errors)
    if values.get("start_on") and values.get("due_on") and values["start_on"] > values["due_on"]:
        checked.errors["due_on"] = ["This is before the start."]
    if checked.errors:
        raise InvalidInput("Some of the values are not valid.", fields=checked.errors)
    return checked


def _check_ancestry(tasks: Sequence[Task], checked: _Checked) -> None:
    """A task cannot be part of itself, nor of what is part of it. Raises: InvalidInput."""
    parent = checked.referred.get("parent_id")
    ids = {task.pk for task in tasks}
    above = parent.pk if parent else None
    for _ in range(MAX_DEPTH):
        if above is None:
            return
        if above in ids:
            raise InvalidInput(
                "A task cannot be part of itself.", fields={"parent_id": ["This would make a circle."]}
            )
        above = Task.objects.filter(pk=above).values_list("parent_id", flat=True).first()


def _check_milestones(tasks: Sequence[Task], checked: _Checked) -> None:
    """A task is on a milestone of its own project. Raises: InvalidInput."""
    milestone = checked.referred.get("milestone_id")
    if milestone is None:
        return
    moved_to = checked.referred.get("project_id")
    for task in tasks:
        project_id = task.project_id
        if "project_id" in checked.referred:
            project_id = moved_to.pk if moved_to else None
        if milestone.project_id != project_id:
            raise InvalidInput(
                "Some of the values are not valid.",
                fields={"milestone_id": [_UNKNOWN["milestone_id"]]},
            )


def _people(ids: Sequence[UUID], errors: dict[str, list[str]]) -> dict[UUID, str]:
    wanted = set(ids)
    if len(wanted) > MAX_ASSIGNEES:
        errors["assignee_ids"] = [f"At most {MAX_ASSIGNEES} people."]
        return {}
    people = dict(Person.objects.filter(pk__in=wanted).values_list("pk", "name"))
    if len(people) != len(wanted):
        errors["assignee_ids"] = ["One of these people is not known."]
    return people


def _set_on(task: Task, checked: _Checked, now: Any) -> dict[str, tuple[Any, Any]]:
    """Set what differs on one task; returns field → (before, after)."""
    stored = {name: getattr(task, name) for name in ("status", "completed_at", "due_on", "due_at")}
    values = dict(checked.values)
    settle(values, stored, now=now)
    differences: dict[str, tuple[Any, Any]] = {}
    for name, value in values.items():
        if getattr(task, name) != value:
            differences[name] = (getattr(task, name), value)
            setattr(task, name, value)
    for column, target in checked.referred.items():
        name = column.removesuffix("_id")
        if getattr(task, column) != (target and target.pk):
            present = getattr(task, name)
            differences[name] = (_label(present), _label(target))
            setattr(task, name, target)
    if task.milestone is not None and task.milestone.project_id != task.project_id:
        # It stays behind with the project the task has left.
        differences["milestone"] = (_label(task.milestone), None)
        task.milestone = None
    if "status" in differences:
        differences.pop("completed_at", None)
    if "due_on" in differences:
        differences.pop("due_at", None)
    return differences


def _label(row: Any) -> str | None:
    if row is None:
        return None
    return f"{row.key_prefix}-{row.number}" if isinstance(row, Task) else str(row.name)


type _PeopleChange = tuple[list[str], list[str], tuple[UUID, ...], tuple[UUID, ...]]


def _set_people(
    tasks: Sequence[Task], people: dict[UUID, str] | None, *, is_new: bool
) -> dict[UUID, _PeopleChange]:
    """Put exactly these people on each task; returns what differs: names before, after, added, removed."""
    if people is None:
        return {}
    rows = TaskAssignee.objects.filter(task__in=[task.pk for task in tasks]).select_related("person")
    present: dict[UUID, dict[UUID, TaskAssignee]] = {task.pk: {} for task in tasks}
    for row in [] if is_new else rows:
        present[row.task_id][row.person_id] = row
    gone: list[int] = []
    fresh: list[TaskAssignee] = []
    changes: dict[UUID, _PeopleChange] = {}
    for task_id, on_task in present.items():
        added = tuple(sorted(set(people) - set(on_task)))
        removed = tuple(sorted(set(on_task) - set(people)))
        if added or removed:
            fresh += [TaskAssignee(task_id=task_id, person_id=pk) for pk in added]
            gone += [on_task[pk].pk for pk in removed]
            names = sorted(row.person.name for row in on_task.values())
            changes[task_id] = (names, sorted(people.values()), added, removed)
    if gone:
        TaskAssignee.objects.filter(pk__in=gone).delete()
    if fresh:
        TaskAssignee.objects.bulk_create(fresh, ignore_conflicts=True)
    return changes


def _happening(task: Task, differences: dict[str, tuple[Any, Any]]) -> Happening:
    verb = TaskActivity.Verb.MOVED if list(differences) == ["status"] else TaskActivity.Verb.UPDATED
    return Happening(task_id=task.pk, verb=verb, changes=differences)


def _events(task: Task, differences: dict[str, tuple[Any, Any]]) -> list[DomainEvent]:
    events: list[DomainEvent] = [TaskUpdated(task_id=task.pk, changed=tuple(sorted(differences)))]
    if "status" in differences:
        before, after = differences["status"]
        events.append(TaskMoved(task_id=task.pk, from_status=before, to_status=after))
        if after == Task.Status.DONE:
            events.append(TaskCompleted(task_id=task.pk))
    return events


def _title(value: str) -> str:
    title = " ".join(clean_text(value).split())
    if not title:
        msg = "A task needs a title."
        raise ValueError(msg)
    if len(title) > MAX_TITLE_CHARS:
        msg = f"At most {MAX_TITLE_CHARS} characters."
        raise ValueError(msg)
    return title


def _description(value: str) -> str:
    if len(value) > MAX_DESCRIPTION_CHARS:
        msg = f"At most {MAX_DESCRIPTION_CHARS} characters."
        raise ValueError(msg)
    return clean_text(value).replace("\r\n", "\n")


def _one_of(value: Any, known: Sequence[Any]) -> Any:
    if value not in known:
        msg = f"Not one of: {', '.join(str(each) for each in known)}."
        raise ValueError(msg)
    return value


def _hours(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    if not value.is_finite() or not 0 <= value <= MAX_HOURS:
        msg = f"Between 0 and {MAX_HOURS} hours."
        raise ValueError(msg)
    return value.quantize(Decimal("0.01"))


def _tags(value: Sequence[str]) -> list[str]:
    tags = clean_tags(value)
    if len(tags) > MAX_TAGS:
        msg = f"At most {MAX_TAGS} tags."
        raise ValueError(msg)
    return tags


_RULES: Final[dict[str, Any]] = {
    "title": _title,
    "description": _description,
    "status": lambda value: _one_of(value, Task.Status.values),
    "priority": lambda value: _one_of(value, Task.Priority.values),
    "estimate_hours": _hours,
    "tags": _tags,
}
