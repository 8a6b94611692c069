"""Writes whole batches of imported tasks: compared as sets, so what did not change is not written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone

from tasks.activity import Happening, record
from tasks.drafts import DraftProblem, TaskDraft, UpsertResult
from tasks.events import TasksSynced
from tasks.importing.naming import departments_named, projects_named
from tasks.importing.normalising import clean_text, normalise, settle
from tasks.models import Person, Task, TaskActivity, TaskAssignee
from tasks.models.number_series import NO_PROJECT_PREFIX
from tasks.numbering import take_numbers
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_BATCH: Final = 500
# Columns an import may write; the order is that of the statement.
_COLUMNS: Final = (
    "title", "description", "status", "priority", "department_id", "project_id", "milestone_id",
    "start_on", "due_on", "due_at", "estimate_hours", "tags", "source", "source_url", "completed_at",
    "archived_at", "created_at",
)  # fmt: skip


@dataclass
class _Row:
    """One task of the batch on its way into the table."""

    task: Task
    is_new: bool
    updated_at: datetime
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    assignee_ids: frozenset[UUID] | None = None


@atomic
def upsert_tasks(*, drafts: Sequence[TaskDraft], actor: Actor) -> UpsertResult:
    """Create the tasks that are not there yet and update those that differ; at most 500, in 20 statements.

    A value that cannot be stored is left out and told in `UpsertResult.problems`; the rest of its task is
    written. Workflow rules do not apply: the source has already decided. Announces one `TasksSynced`.

    Raises: Forbidden, InvalidInput (more than 500 drafts, or an id twice).
    """
    require(actor, "tasks.import")
    if len(drafts) > MAX_BATCH or len({draft.id for draft in drafts}) != len(drafts):
        raise InvalidInput(f"A batch holds at most {MAX_BATCH} drafts, each id once.", code="tasks.bad_batch")
    now = timezone.now()
    read = {draft.id: normalise(draft) for draft in drafts}
    problems = tuple(problem for _, found in read.values() for problem in found)
    values = {task_id: given for task_id, (given, _) in read.items()}
    names = _Names.of(values.values())
    stored = _stored(values)
    rows = [_merge(task_id, given, stored.get(task_id), names, now) for task_id, given in values.items()]
    _number([row.task for row in rows if row.is_new])
    people = _compare_assignees(rows)
    touched = [row for row in rows if row.is_new or row.changes]
    _write(touched, {name for given in values.values() for name in given})
    people.write()
    record(
        [
            Happening(
                task_id=row.task.pk,
                verb=TaskActivity.Verb.CREATED if row.is_new else TaskActivity.Verb.SYNCED,
                changes={} if row.is_new else row.changes,
            )
            for row in touched
        ],
        actor=actor,
    )
    result = UpsertResult(
        created_ids=tuple(row.task.pk for row in rows if row.is_new),
        updated_ids=tuple(row.task.pk for row in rows if row.changes and not row.is_new),
        unchanged_ids=tuple(row.task.pk for row in rows if not row.changes and not row.is_new),
        problems=problems,
    )
    _announce(result, problems)
    return result


def _announce(result: UpsertResult, problems: Sequence[DraftProblem]) -> None:
    if result.created_ids or result.updated_ids:
        publish(TasksSynced(created_ids=result.created_ids, updated_ids=result.updated_ids))
    log.info(
        "tasks.synced",
        created=len(result.created_ids),
        updated=len(result.updated_ids),
        unchanged=len(result.unchanged_ids),
        problems=len(problems),
    )


@dataclass(frozen=True)
class _Names:
    """The departments and projects a batch names, by lower-case name."""

    departments: Mapping[str, Any]
    projects: Mapping[str, Any]

    @classmethod
    def of(cls, drafts: Any) -> _Names:
        given = list(drafts)
        return cls(
            departments_named({d["department_name"] for d in given if d.get("department_name")}),
            projects_named({d["project_name"] for d in given if d.get("project_name")}),
        )


def _stored(values: Mapping[UUID, dict[str, Any]]) -> dict[UUID, Task]:
    """The tasks already there, locked; their text is read only when the batch brings text."""
    tasks = Task.objects.filter(pk__in=list(values)).select_related("department", "project", "milestone")
    if not any("description" in given for given in values.values()):
        tasks = tasks.defer("description")
    return {task.pk: task for task in tasks.select_for_update(of=("self",), no_key=True).order_by("pk")}


def _merge(task_id: UUID, given: dict[str, Any], stored: Task | None, names: _Names, now: datetime) -> _Row:
    """Bring one draft and what is stored together; says what would change."""
    before = (
        {name: getattr(stored, name) for name in ("status", "completed_at", "due_on", "due_at")}
        if stored
        else {}
    )
    values = dict(given)
    settle(values, before, now=now)
    assignee_ids = values.pop("assignee_ids", None)
    updated_at = values.pop("updated_at", now)
    archived = values.pop("is_archived", None)
    related = {
        "department": _by_name(names.departments, values, "department_name"),
        "project": _by_name(names.projects, values, "project_name"),
    }
    task = stored or Task(id=task_id, title="Untitled", created_at=now)
    row = _Row(task, is_new=stored is None, updated_at=updated_at, assignee_ids=assignee_ids)
    for name, value in values.items():
        if getattr(task, name) != value:
            row.changes[name] = (getattr(task, name), value)
            setattr(task, name, value)
    for name, (is_given, target) in related.items():
        present = getattr(task, name)
        if is_given and present != target:
            row.changes[name] = (present and present.name, target and target.name)
            setattr(task, name, target)
    if task.milestone is not None and task.milestone.project_id != task.project_id:
        # It stays behind with the project the task has left.
        row.changes["milestone"] = (task.milestone.name, None)
        task.milestone = None
    if archived is not None and archived != task.is_archived:
        row.changes["archived"] = ("Yes" if task.is_archived else None, "Yes" if archived else None)
        task.archived_at = now if archived else None
    # What follows from another field is not news of its own.
    if "status" in row.changes:
        row.changes.pop("completed_at", None)
    if "due_on" in row.changes:
        row.changes.pop("due_at", None)
    return row


def _by_name(known: Mapping[str, Any], values: dict[str, Any], field_name: str) -> tuple[bool, Any]:
    """Take a name out of the values: whether one was given, and what it names."""
    if field_name not in values:
        return False, None
    name = values.pop(field_name)
    return True, known[name.lower()] if name else None


def _number(tasks: Sequence[Task]) -> None:
    prefixes = [task.project.key if task.project else NO_PROJECT_PREFIX for task in tasks]
    following = take_numbers(Counter(prefixes))
    for task, prefix in zip(tasks, prefixes, strict=True):
        task.key_prefix, task.number = prefix, following[prefix]
        following[prefix] += 1


@dataclass
class _People:
    """What has to change about who is on which task."""

    gone: list[int] = field(default_factory=list)
    fresh: list[TaskAssignee] = field(default_factory=list)

    def write(self) -> None:
        if self.gone:
            TaskAssignee.objects.filter(pk__in=self.gone).delete()
        if self.fresh:
            TaskAssignee.objects.bulk_create(self.fresh, ignore_conflicts=True)


def _compare_assignees(rows: Sequence[_Row]) -> _People:
    """Compare the people drafts name with those on the tasks; people nobody knows are left out."""
    told = {row.task.pk: row for row in rows if row.assignee_ids is not None}
    named = {person_id for row in told.values() for person_id in row.assignee_ids or ()}
    present = list(
        TaskAssignee.objects.filter(task__in=[pk for pk, row in told.items() if not row.is_new]).values_list(
            "pk", "task_id", "person_id"
        )
    )
    on_task: dict[UUID, set[UUID]] = {}
    for _, task_id, person_id in present:
        on_task.setdefault(task_id, set()).add(person_id)
    names = dict(
        Person.objects.filter(pk__in=named | {person_id for _, _, person_id in present}).values_list(
            "pk", "name"
        )
    )
    people = _People()
    for task_id, row in told.items():
        before, after = on_task.get(task_id, set()), {pk for pk in row.assignee_ids or () if pk in names}
        if before == after:
            continue
        row.changes["assignees"] = ([names[pk] for pk in before], [names[pk] for pk in after])
        people.fresh += [TaskAssignee(task_id=task_id, person_id=pk) for pk in sorted(after - before)]
        people.gone += [pk for pk, owner, person_id in present if owner == task_id and person_id not in after]
    return people


def _write(rows: Sequence[_Row], given: set[str]) -> None:
    """Write new and changed rows in one statement."""
    if not rows:
        return
    columns = [name for name in _COLUMNS if name != "description" or "description" in given]
    for row in rows:
        row.task.updated_at = row.updated_at
        if row.task.get_deferred_fields():
            row.task.description = ""  # not among the columns of the update; only an insert would need it
    Task.objects.bulk_create(
        [row.task for row in rows],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*columns, "updated_at"],
    )


@atomic
def set_task_descriptions(*, bodies: Mapping[UUID, str], actor: Actor) -> UpsertResult:
    """Set the text of many tasks; ids that are not tasks here are left out. Announces one `TasksSynced`.

    Raises: Forbidden, InvalidInput (more than 500 texts).
    """
    require(actor, "tasks.import")
    if len(bodies) > MAX_BATCH:
        raise InvalidInput(f"A batch holds at most {MAX_BATCH} texts.", code="tasks.bad_batch")
    texts = {task_id: clean_text(body) for task_id, body in bodies.items()}
    stored = (
        Task.objects.filter(pk__in=list(texts))
        .only("pk", "description", "updated_at")
        .select_for_update(no_key=True)
        .order_by("pk")
    )
    tasks = list(stored)
    changed = [task for task in tasks if task.description != texts[task.pk]]
    now = timezone.now()
    for task in changed:
        if task.description:  # a text that arrives for the first time belongs to the import, not to today
            task.updated_at = now
        task.description = texts[task.pk]
    if changed:
        Task.objects.bulk_update(changed, ["description", "updated_at"])
    changed_ids = {task.pk for task in changed}
    result = UpsertResult(
        updated_ids=tuple(changed_ids),
        unchanged_ids=tuple(task.pk for task in tasks if task.pk not in changed_ids),
    )
    _announce(result, ())
    return result
