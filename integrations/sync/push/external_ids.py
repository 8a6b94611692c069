"""Our id of a record, kept in a column there: by it a record is found whose making was not answered."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import structlog

from integrations.capabilities import FieldKind, RemoteCollection, RemoteField, RemoteRecord, RemoteValue
from integrations.models import SyncedCollection
from integrations.sync.drift import take_over_schema
from integrations.sync.push.writer import Writer, columns_of
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

COLUMN_NAME: Final = "Task Sync ID"


def ensure_column(writer: Writer, collection: SyncedCollection) -> str:
    """The id of the column that holds our ids; made once, found again by its name. Outside a transaction.

    Raises: SourceError, LimitReached.
    """
    if collection.external_id_field_id in columns_of(collection):
        return collection.external_id_field_id
    # Somebody may have made it, or the answer to our own making may have got lost: look before adding one.
    known = _named(columns_of(collection).values())
    if known is None:
        seen = writer.session.source.collection(collection.remote_id)
        known = _named(seen.fields)
        if known is None:
            seen = writer.sink.add_text_field(collection.remote_id, name=COLUMN_NAME)
            known = _named(seen.fields)
            log.info("push.id_column_made", collection_id=collection.pk)
        store_schema(writer, collection, seen)
    assert known is not None, "a column that was just added is among the columns"
    with atomic():
        writer.session.hold()
        collection.external_id_field_id = known.id
        collection.save(update_fields=["external_id_field_id", "updated_at"])
    return known.id


def store_schema(writer: Writer, collection: SyncedCollection, remote: RemoteCollection) -> None:
    """Take the columns over as they are now; outside a transaction."""
    with atomic():
        writer.session.hold()
        locked = SyncedCollection.objects.select_for_update().get(pk=collection.pk)
        for problem in take_over_schema(locked, remote):
            writer.session.journal.note(problem, locked)
        collection.refresh_from_db()
    collection.connection = writer.connection
    writer.forget(collection)


def id_value(field_id: str, task_id: UUID) -> dict[str, RemoteValue]:
    """Our id as a value of its column."""
    return {field_id: RemoteValue(field_id, FieldKind.TEXT, str(task_id))}


def find_record(writer: Writer, collection: SyncedCollection, task_id: UUID) -> RemoteRecord | None:
    """The record that carries our id of a task; None when there is none. One call, outside a transaction.

    Raises: SourceError, LimitReached.
    """
    found = writer.sink.records_with(
        collection.remote_id,
        field_id=collection.external_id_field_id,
        kind=FieldKind.TEXT,
        texts=[str(task_id)],
    )
    # Somebody may have copied the page, our id with it: the first is the one we made.
    return min(found, key=lambda record: (record.created_at, record.id), default=None)


def _named(columns: Iterable[RemoteField]) -> RemoteField | None:
    return next(
        (item for item in columns if item.name == COLUMN_NAME and item.kind is FieldKind.TEXT),
        None,
    )
