"""A remote record turned into a task draft with its references, by one collection's mapping; pure."""

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from integrations.capabilities import FieldKind, RemoteField, RemoteRecord, RemoteValue
from integrations.sync.options import CHECKED, UNCHECKED, number_key, priority_proposals, status_proposals
from integrations.sync.vocabulary import OurField
from tasks.drafts import TaskDraft

UNTITLED: Final = "Untitled"
REFERENCES: Final = (OurField.PARENT, OurField.BLOCKED_BY)
_ESTIMATE_LIMIT: Final = 999_999.0


@dataclass(frozen=True, slots=True)
class MappedField:
    """One of our fields and the column it is kept in.

    `options` has our value for each remote option id, in the order of the column; `doubtful` are those whose meaning
    is a default nobody confirmed. `direction` is both, in or out; `policy` newest, remote, local or manual.
    """

    our_field: OurField
    remote_id: str
    kind: FieldKind
    options: Mapping[str, str] = field(default_factory=dict)
    option_names: Mapping[str, str] = field(default_factory=dict)
    doubtful: Set[str] = frozenset()
    related_collection_id: str = ""
    direction: str = "both"
    policy: str = "newest"


@dataclass(frozen=True, slots=True)
class CollectionMapping:
    """How the records of one collection are read. `revision` changes whenever anything here does."""

    collection_id: str
    revision: str
    fields: Mapping[OurField, MappedField]
    source: str = ""
    department_name: str = ""

    @property
    def remote_ids(self) -> Set[str]:
        """The ids of the remote fields in use."""
        return {item.remote_id for item in self.fields.values()}

    @property
    def is_span(self) -> bool:
        """Whether one date column holds both ends: when a task starts and when it is due."""
        due, start = self.fields.get(OurField.DUE), self.fields.get(OurField.START)
        return due is not None and (start is None or start.remote_id == due.remote_id)

    def column_of(self, our_field: OurField) -> MappedField | None:
        """Where a field is kept; the start in the column of the due date where that holds both ends."""
        if our_field is OurField.START and self.is_span:
            return self.fields[OurField.DUE]
        return self.fields.get(our_field)

    def value(self, our_field: OurField, record: RemoteRecord) -> RemoteValue | None:
        """The record's value for our field; None when it is not mapped or did not come."""
        mapped = self.fields.get(our_field)
        return record.value(mapped.remote_id) if mapped else None


@dataclass(frozen=True, slots=True)
class Known:
    """What is here already: people and projects by remote id."""

    person_ids: Mapping[str, UUID] = field(default_factory=dict)
    project_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know about one value; the record was taken over all the same."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Translation:
    """A draft, the remote ids it refers to, and notes.

    `kept` is what the record holds beside that and that has no counterpart here (a person nobody knows, a second
    project), by our field: it is sent along when the field is written, so that no write drops it.
    """

    draft: TaskDraft
    references: Mapping[str, tuple[str, ...]]
    notes: tuple[Note, ...] = ()
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def translate_task(
    record: RemoteRecord, mapping: CollectionMapping, *, task_id: UUID, known: Known, restore: bool = False
) -> Translation:
    """Make the draft of one task. A field that is not mapped, or suspended, stays as it is."""
    notes: list[Note] = []
    given: dict[str, Any] = {"source_url": record.url[:2000], "source": mapping.source[:200]}
    for our_field, mapped in mapping.fields.items():
        fill = _FILLERS.get(our_field)
        value = record.value(mapped.remote_id)
        if fill is not None and value is not None and value.kind is mapped.kind:
            given.update(fill(value, mapped, known, notes))
    _complete(given, record, mapping)
    if restore:
        given["is_archived"] = False
    references = {
        our_field.value: value.references
        for our_field in REFERENCES
        if (value := mapping.value(our_field, record)) is not None
    }
    kept = kept_beside(record, mapping, known)
    return Translation(TaskDraft(id=task_id, **given), references, tuple(notes), kept)


def kept_beside(
    record: RemoteRecord, mapping: CollectionMapping, known: Known
) -> Mapping[str, tuple[str, ...]]:
    """What the record holds beside the values that were taken, by our field; fields without such are left out."""
    kept: dict[str, tuple[str, ...]] = {}
    for our_field, keeper in _KEEPERS.items():
        value = mapping.value(our_field, record)
        if value is not None and (rest := keeper(value, known)):
            kept[our_field.value] = rest
    return kept


def _people_beside(value: RemoteValue, known: Known) -> tuple[str, ...]:
    return tuple(item.id for item in value.people if item.is_bot or item.id not in known.person_ids)


def _projects_beside(value: RemoteValue, known: Known) -> tuple[str, ...]:
    taken = next((item for item in value.references if item in known.project_names), None)
    return tuple(item for item in value.references if item != taken)


def _options_beside(value: RemoteValue, _: Known) -> tuple[str, ...]:
    return tuple(option.name for option in value.options[1:])


def _start_beside(value: RemoteValue, _: Known) -> tuple[str, ...]:
    span = value.span
    return (span.start.isoformat(),) if span is not None and span.end is not None else ()


def _complete(given: dict[str, Any], record: RemoteRecord, mapping: CollectionMapping) -> None:
    """Add what follows from several fields together."""
    if "department_name" not in given and mapping.department_name:
        given["department_name"] = mapping.department_name
    span_start = given.pop("span_start", None)
    if mapping.is_span and "due_on" in given:
        given["start_on"] = span_start
    given.update(created_at=record.created_at, updated_at=record.edited_at)


def _title(value: RemoteValue, _: MappedField, __: Known, notes: list[Note]) -> dict[str, Any]:
    title = " ".join(value.text.split())
    if not title:
        notes.append(Note("untitled", "The row has no title."))
    return {"title": title or UNTITLED}


def _status(value: RemoteValue, mapped: MappedField, _: Known, notes: list[Note]) -> dict[str, Any]:
    if mapped.kind is FieldKind.CHECKBOX:
        return {"status": mapped.options.get(CHECKED if value.data else UNCHECKED, "planned")}
    if not value.options:
        return {"status": "planned"}
    option = value.options[0]
    if option.id in mapped.options:
        return {"status": mapped.options[option.id]}
    lone = RemoteField(mapped.remote_id, "", mapped.kind, "", options=(option,))
    found = status_proposals(lone)[0].value
    notes.append(Note("unknown_option", f"The status “{option.name}” is new; it counts as {found}."))
    return {"status": found}


def _priority(value: RemoteValue, mapped: MappedField, _: Known, notes: list[Note]) -> dict[str, Any]:
    if mapped.kind is FieldKind.NUMBER:
        is_usable = isinstance(value.data, float) and math.isfinite(value.data)
        key = number_key(value.data) if is_usable and isinstance(value.data, float) else ""
        return {"priority": int(mapped.options.get(key, "0"))}
    if not value.options:
        return {"priority": 0}
    option = value.options[0]
    if option.id in mapped.options:
        return {"priority": int(mapped.options[option.id])}
    found = priority_proposals([option])[0].value
    notes.append(Note("unknown_option", f"The priority “{option.name}” is new; it counts as {found}."))
    return {"priority": int(found)}


def _assignees(value: RemoteValue, _: MappedField, known: Known, notes: list[Note]) -> dict[str, Any]:
    people = [person for person in value.people if not person.is_bot]
    found = [known.person_ids[person.id] for person in people if person.id in known.person_ids]
    if len(found) < len(people):
        notes.append(Note("unknown_person", "An assignee cannot be seen by the integration."))
    return {"assignee_ids": tuple(dict.fromkeys(found))}


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _due(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    span = value.span
    if span is None:
        return {"due_on": None, "due_at": None, "span_start": None}
    last = span.end or span.start
    return {
        "due_on": _day(last),
        "due_at": last if isinstance(last, datetime) else None,
        # We keep days: a start on the very day it is due says nothing.
        "span_start": _day(span.start) if _day(span.start) < _day(last) else None,
    }


def _start(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    return {"start_on": _day(value.span.start) if value.span else None}


def _completed(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    if value.span is None:
        return {}
    last = value.span.end or value.span.start
    if not isinstance(last, datetime):
        # Noon keeps the day the same in nearly every time zone.
        last = datetime.combine(last, time(12), tzinfo=UTC)
    return {"completed_at": last}


def _estimate(value: RemoteValue, _: MappedField, __: Known, notes: list[Note]) -> dict[str, Any]:
    if not isinstance(value.data, float):
        return {"estimate_hours": None}
    if not math.isfinite(value.data) or not 0 <= value.data <= _ESTIMATE_LIMIT:
        notes.append(Note("unusable_number", f"{value.data!r} is no number of hours."))
        return {}
    return {"estimate_hours": Decimal(str(value.data)).quantize(Decimal("0.01"))}


def _tags(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    names = (option.name.strip() for option in value.options)
    return {"tags": tuple(dict.fromkeys(name for name in names if name))}


def _department(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    return {"department_name": value.options[0].name.strip() or None if value.options else None}


def _project(value: RemoteValue, mapped: MappedField, known: Known, notes: list[Note]) -> dict[str, Any]:
    if mapped.kind is not FieldKind.RELATION:
        name = value.options[0].name if value.options else value.text
        return {"project_name": name.strip() or None}
    if not value.references:
        return {"project_name": None}
    names = [known.project_names[item] for item in value.references if item in known.project_names]
    if names:
        return {"project_name": names[0]}
    notes.append(Note("unknown_project", "Its project is not shared with the integration or not synced."))
    return {}


def _description(value: RemoteValue, _: MappedField, __: Known, ___: list[Note]) -> dict[str, Any]:
    return {"description": value.text}


_FILLERS: Mapping[OurField, Callable[[RemoteValue, MappedField, Known, list[Note]], dict[str, Any]]] = {
    OurField.TITLE: _title,
    OurField.STATUS: _status,
    OurField.PRIORITY: _priority,
    OurField.DESCRIPTION: _description,
    OurField.ASSIGNEES: _assignees,
    OurField.DUE: _due,
    OurField.START: _start,
    OurField.COMPLETED: _completed,
    OurField.ESTIMATE: _estimate,
    OurField.TAGS: _tags,
    OurField.DEPARTMENT: _department,
    OurField.PROJECT: _project,
}
_KEEPERS: Mapping[OurField, Callable[[RemoteValue, Known], tuple[str, ...]]] = {
    OurField.ASSIGNEES: _people_beside,
    OurField.PROJECT: _projects_beside,
    OurField.DEPARTMENT: _options_beside,
    OurField.DUE: _start_beside,
}
