"""Shows what a mapping would make of a few real rows, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.capabilities import RecordOrder, RecordQuery
from integrations.models import ExternalLink, FieldMapping, SyncedCollection
from integrations.sync.limiter import Lane
from integrations.sync.services import MappingChoice, current_choices, rows_of_choices
from integrations.sync.session import open_source
from integrations.sync.stored_mapping import collection_mapping
from integrations.sync.translate import Known, translate_task
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tenants.accounts.access import Actor, require
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic


@dataclass(frozen=True, slots=True)
class PreviewValue:
    """One of our fields as it would be filled; `value` is for reading, empty when nothing would be set."""

    our_field: str
    value: str


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One remote row and the task it would become; `notes` say what a person should look at."""

    remote_id: str
    url: str
    title: str
    values: tuple[PreviewValue, ...]
    notes: tuple[str, ...]


def preview_mapping(
    *,
    collection: SyncedCollection,
    actor: Actor,
    choices: Sequence[MappingChoice] | None = None,
    limit: int = 10,
) -> list[PreviewRow]:
    """Translate the first rows of a collection by `choices`, or by the mapping as it stands; writes nothing.

    Whoever does not decide how databases are read sees only what becomes of a database that is read, as it is read: its
    tasks show that anyway, and nothing else of what the integration can see is everybody's business.

    One call to the service: call it outside a transaction.
    Raises: Forbidden, InvalidInput, Conflict (no token), ExternalServiceError, LimitReached.
    """
    with atomic():
        require(actor, "integrations.view", on=collection.connection)
        present = current_choices(collection)
        if not collection.is_enabled or (choices is not None and list(choices) != present):
            require(actor, "integrations.map", on=collection.connection)
        rows = rows_of_choices(collection, present if choices is None else choices)
        projects = dict(
            ExternalLink.objects.filter(connection=collection.connection, project__isnull=False).values_list(
                "remote_id", "project__name"
            )
        )
    opened = open_source(collection.connection, lane=Lane.INTERACTIVE)
    page = opened.source.records(
        RecordQuery(
            collection_id=collection.remote_id,
            order=RecordOrder.CREATED,
            page_size=max(1, min(limit, 25)),
        )
    )
    mapping = collection_mapping(collection, rows, source=collection.connection.name)
    known = Known(project_names=projects)
    shown: list[PreviewRow] = []
    for record in page.records:
        translation = translate_task(record, mapping, task_id=uuid7(), known=known)
        people = mapping.value(OurField.ASSIGNEES, record)
        given = translation.draft.given() | {
            "assignees": ", ".join(person.name for person in people.people) if people else ""
        }
        shown.append(
            PreviewRow(
                remote_id=record.id,
                url=record.url,
                title=record.title,
                values=tuple(PreviewValue(row.our_field, _shown(row, given)) for row in rows),
                notes=tuple(note.detail for note in translation.notes if note.code != "unknown_person"),
            )
        )
    return shown


_DRAFT_FIELDS = {
    OurField.DUE: "due_on",
    OurField.START: "start_on",
    OurField.COMPLETED: "completed_at",
    OurField.ESTIMATE: "estimate_hours",
    OurField.DEPARTMENT: "department_name",
    OurField.PROJECT: "project_name",
}


def _shown(row: FieldMapping, given: dict[str, object]) -> str:
    our_field = OurField(row.our_field)
    value = given.get(_DRAFT_FIELDS.get(our_field, our_field.value))
    if value is None:
        return ""
    if our_field is OurField.STATUS:
        return str(Task.Status(str(value)).label)
    if our_field is OurField.PRIORITY:
        return str(Task.Priority(int(str(value))).label)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
