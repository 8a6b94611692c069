"""What changed about the columns of a collection since we last looked, kept for whoever asks later."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from integrations.capabilities import RemoteCollection, RemoteField
from integrations.models import SchemaChange, SyncedCollection
from integrations.sync.stored_mapping import schema_from_json

UNTITLED: Final = "Untitled"


def note_schema_changes(collection: SyncedCollection, remote: RemoteCollection) -> list[SchemaChange]:
    """Write down what differs between the columns as stored and as they are now; inside a transaction.

    Call it before the new columns are stored. The first description of a collection is no change.
    """
    changes = (
        list(schema_changes(schema_from_json(collection.schema), remote.fields)) if collection.schema else []
    )
    for change in changes:
        change.collection = collection
    SchemaChange.objects.bulk_create(changes)
    note_title_change(collection, remote)
    return changes


def note_title_change(collection: SyncedCollection, remote: RemoteCollection) -> None:
    """Write down that a collection has another title than the stored one; inside a transaction."""
    before, after = collection.title, remote.title or UNTITLED
    if before and before != after:
        SchemaChange.objects.create(
            collection=collection, kind=SchemaChange.Kind.TITLE, before=before, after=after
        )


def schema_changes(before: Sequence[RemoteField], after: Sequence[RemoteField]) -> Iterator[SchemaChange]:
    """The changes from one list of columns to another, told apart by the columns' ids; pure, nothing is saved."""
    known, present = {field.id: field for field in before}, {field.id: field for field in after}
    for field in before:
        if field.id not in present:
            yield _change(SchemaChange.Kind.REMOVED, field.id, _told(field), None)
    for field in after:
        old = known.get(field.id)
        if old is None:
            yield _change(SchemaChange.Kind.ADDED, field.id, None, _told(field))
            continue
        if old.name != field.name:
            yield _change(SchemaChange.Kind.RENAMED, field.id, old.name, field.name)
        if old.remote_type != field.remote_type:
            yield _change(SchemaChange.Kind.RETYPED, field.id, _told(old), _told(field))
        elif _options(old) != _options(field):
            yield _change(SchemaChange.Kind.OPTIONS, field.id, _options(old), _options(field))


def _change(kind: SchemaChange.Kind, field_id: str, before: Any, after: Any) -> SchemaChange:
    return SchemaChange(kind=kind, remote_field_id=field_id, before=before, after=after)


def _told(field: RemoteField) -> dict[str, str]:
    return {"name": field.name, "type": field.remote_type}


def _options(field: RemoteField) -> dict[str, str]:
    return {option.id: option.name for option in field.options}
