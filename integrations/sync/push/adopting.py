"""Records a reading comes upon that we have made ourselves, and whose making was not answered yet."""

from collections.abc import Iterable
from uuid import UUID

from integrations.capabilities import RemoteRecord
from integrations.models import ExternalLink, Push, SyncedCollection


def adopted_links(collection: SyncedCollection, unknown: Iterable[RemoteRecord]) -> dict[str, ExternalLink]:
    """Links, not saved yet, of those records that carry our id of a task whose record is being looked for.

    A copy of a page carries our id as well: the first to be made is ours, and nothing is adopted for a task that has
    its record. No statement where no record carries an id; inside a transaction.
    """
    ids = _carried_ids(collection.external_id_field_id, unknown)
    if not ids:
        return {}
    looked_for = Push.objects.filter(
        connection_id=collection.connection_id, task__in=ids, kind=Push.Kind.CREATE, link=None
    ).unsettled()
    linked = ExternalLink.objects.filter(connection_id=collection.connection_id, task__in=ids)
    wanted = looked_for.exclude(task__in=linked.values("task_id")).values_list("task_id", flat=True)
    return {
        ids[task_id]: ExternalLink(
            connection_id=collection.connection_id,
            collection=collection,
            remote_id=ids[task_id],
            task_id=task_id,
        )
        for task_id in wanted
    }


def _carried_ids(field_id: str, records: Iterable[RemoteRecord]) -> dict[UUID, str]:
    """Record ids by the task id they carry, the oldest record of each."""
    found: dict[UUID, str] = {}
    if field_id:
        for record in sorted(records, key=lambda item: (item.created_at, item.id)):
            value = record.value(field_id)
            if value is not None and (task_id := _uuid(value.text)) is not None:
                found.setdefault(task_id, record.id)
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
