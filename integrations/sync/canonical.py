"""Values of tasks in one form for both sides, so that what is the same compares equal."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Lower

from integrations.sync.translate import CollectionMapping, Translation
from integrations.sync.vocabulary import OurField
from tasks.importing.normalising import normalise
from tasks.models import Project, Task, TaskAssignee, TaskDependency
from tenants.accounts.models import Department

#: JSON by our field: title, description and status str · priority int · assignees, tags and blocked_by sorted lists ·
#: due `{"on": day, "at": moment or None}` · start a day · completed a moment · estimate "1.50" · department and
#: project a name · parent an id; None where there is nothing. Moments are in UTC, cut to the minute.
type Canonical = str | int | list[str] | dict[str, str | None] | None
type Values = dict[str, Canonical]

SETS: Final = frozenset({OurField.ASSIGNEES, OurField.TAGS, OurField.BLOCKED_BY})
RELATIONS: Final = (OurField.PARENT, OurField.BLOCKED_BY)
#: What the column of each simple field is called in a row of the table of tasks.
_COLUMNS: Final[Mapping[OurField, tuple[str, ...]]] = {
    OurField.TITLE: ("title",),
    OurField.STATUS: ("status",),
    OurField.PRIORITY: ("priority",),
    OurField.DESCRIPTION: ("description",),
    OurField.DUE: ("due_on", "due_at"),
    OurField.START: ("start_on",),
    OurField.COMPLETED: ("completed_at",),
    OurField.ESTIMATE: ("estimate_hours",),
    OurField.TAGS: ("tags",),
    OurField.DEPARTMENT: ("department_name",),
    OurField.PROJECT: ("project_name",),
    OurField.PARENT: ("parent_id",),
}
_MAX_DEPARTMENT_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class Spelling:
    """How departments and projects are written here, by lower-case name: a name is found whatever its case."""

    departments: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, translations: Iterable[Translation]) -> "Spelling":
        """The spelling of every name these translations use; two statements at most."""
        drafts = [item.draft for item in translations]
        departments = {
            item.department_name[:_MAX_DEPARTMENT_CHARS].lower()
            for item in drafts
            if isinstance(item.department_name, str)
        }
        projects = {item.project_name.lower() for item in drafts if isinstance(item.project_name, str)}
        return cls(_names(Department, departments), _names(Project, projects))


def _names(model: type[Department] | type[Project], wanted: Collection[str]) -> dict[str, str]:
    if not wanted:
        return {}
    rows = model._default_manager.alias(lower=Lower("name")).filter(lower__in=list(wanted))
    return {name.lower(): name for name in rows.values_list("name", flat=True)}


def compared_fields(mapping: CollectionMapping) -> tuple[OurField, ...]:
    """Which of our fields a mapping keeps in step, in their order.

    A span in one column is two of them; the department the mapping gives to all records is one as well. When a task was
    completed counts only beside its status, on which it hangs.
    """
    names = {*mapping.fields, *((OurField.START,) if mapping.is_span else ())}
    if mapping.department_name:
        names.add(OurField.DEPARTMENT)
    if OurField.STATUS not in names:
        names.discard(OurField.COMPLETED)
    return tuple(item for item in OurField if item in names)


def local_values(
    task_ids: Collection[UUID], *, fields: Collection[OurField] = tuple(OurField)
) -> dict[UUID, Values]:
    """The tasks as they are here, by id; one statement, and one more each for people and dependencies.

    Only the fields asked for are read. Ids that are not tasks are left out.
    """
    wanted = [item for item in OurField if item in fields]
    columns = {column for item in wanted for column in _COLUMNS.get(item, ())}
    names = {"department_name": F("department__name"), "project_name": F("project__name")}
    plain = sorted(columns - set(names))
    named = {name: expression for name, expression in names.items() if name in columns}
    rows = Task.objects.filter(pk__in=list(task_ids)).values("pk", *plain, **named)
    found: dict[UUID, Values] = {row["pk"]: canonical_of(row, wanted) for row in rows}
    if OurField.ASSIGNEES in wanted:
        people = TaskAssignee.objects.filter(task__in=list(found))
        _collect(found, OurField.ASSIGNEES, people.values_list("task_id", "person_id"))
    if OurField.BLOCKED_BY in wanted:
        others = TaskDependency.objects.filter(task__in=list(found))
        _collect(found, OurField.BLOCKED_BY, others.values_list("task_id", "depends_on_id"))
    return found


def _collect(found: Mapping[UUID, Values], our_field: OurField, pairs: Iterable[tuple[UUID, UUID]]) -> None:
    held: dict[UUID, list[str]] = {task_id: [] for task_id in found}
    for task_id, other in pairs:
        held[task_id].append(str(other))
    for task_id, others in held.items():
        found[task_id][our_field.value] = sorted(others)


def incoming_values(
    translation: Translation, mapping: CollectionMapping, *, spelling: Spelling, is_done: bool = False
) -> Values:
    """What the record says, exactly as it would be stored. Relations are not among it: they come in the second phase.

    A field that is missing says nothing: it is not mapped, its column did not come, or the value cannot be stored.
    `is_done` tells whether the task is done where the record does not say.
    """
    given, _ = normalise(translation.draft)
    if given.get("department_name"):
        name = given["department_name"][:_MAX_DEPARTMENT_CHARS]
        given["department_name"] = spelling.departments.get(name.lower(), name)
    if given.get("project_name"):
        name = given["project_name"]
        given["project_name"] = spelling.projects.get(name.lower(), name)
    if "assignee_ids" in given:
        given["assignees"] = sorted(str(item) for item in given["assignee_ids"])
    status = given.get("status")
    done = is_done if status is None else status == Task.Status.DONE
    wanted = [item for item in compared_fields(mapping) if item not in RELATIONS]
    values = canonical_of(given, [item for item in wanted if item is not OurField.ASSIGNEES])
    if OurField.ASSIGNEES in wanted and "assignees" in given:
        values[OurField.ASSIGNEES.value] = given["assignees"]
    if OurField.COMPLETED in wanted:
        # Only what is done has been completed, and an empty column does not undo that.
        if not done:
            values[OurField.COMPLETED.value] = None
        elif values.get(OurField.COMPLETED.value) is None:
            values.pop(OurField.COMPLETED.value, None)
    return values


def canonical_of(row: Mapping[str, Any], fields: Collection[OurField]) -> Values:
    """The canonical values of a row of columns; a field whose first column is missing is left out."""
    return {
        item.value: _canonical(item, row)
        for item in fields
        if (columns := _COLUMNS.get(item)) is not None and columns[0] in row
    }


def _canonical(our_field: OurField, row: Mapping[str, Any]) -> Canonical:
    value = row[_COLUMNS[our_field][0]]
    match our_field:
        case OurField.PRIORITY:
            return int(value)
        case OurField.TAGS:
            return sorted(value)
        case OurField.DUE:
            return due_value(value, row.get("due_at"))
        case _:
            return _plain(value)


def _plain(value: Any) -> str | None:
    match value:
        case None:
            return None
        case datetime():
            return moment_text(value)
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:.2f}"
        case _:
            return str(value)


def due_value(on: date | None, at: datetime | None) -> Canonical:
    """When a task is due; a day that is not the day of its time anywhere on Earth gives way to the time."""
    if on is None:
        return None
    if at is not None and abs((at.astimezone(UTC).date() - on).days) > 1:
        on = at.astimezone(UTC).date()
    return {"on": on.isoformat(), "at": moment_text(at) if at is not None else None}


def moment_text(moment: datetime) -> str:
    """A moment in UTC, cut to the minute: that is as fine as people and services write it."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0).isoformat()


def is_empty(value: Canonical) -> bool:
    """Whether a value says that there is nothing. A title, a status and a number are always something."""
    return value is None or value == [] or value == ""
