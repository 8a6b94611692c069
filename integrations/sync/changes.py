"""What a run changed, written down so that it can be shown and undone."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from integrations.models import ExternalLink, SyncChange, SyncedCollection
from integrations.sync.merging import MergedRecord
from integrations.sync.session import SyncSession
from tenants.foundation.ids import uuid7


def note_taken(
    session: SyncSession,
    collection: SyncedCollection,
    records: Iterable[MergedRecord],
    *,
    written_ids: Collection[UUID],
    restored_ids: Collection[UUID] = (),
) -> None:
    """Write down what was taken over into the tasks with these ids; one statement."""
    rows: list[SyncChange] = []
    for item in records:
        if item.draft.id not in written_ids:
            continue
        action = SyncChange.Action.UPDATED
        if item.draft.id in restored_ids:
            action = SyncChange.Action.RESTORED
        if item.is_new:
            action = SyncChange.Action.CREATED
        rows.append(
            change_here(session, collection.pk, item.link, action, task_id=item.draft.id, fields=item.changes)
        )
    write_changes(session, rows)


def note_archived(session: SyncSession, collection: SyncedCollection, links: Iterable[ExternalLink]) -> None:
    """Write down that the tasks of these links were archived; one statement."""
    action = SyncChange.Action.ARCHIVED
    write_changes(
        session, [change_here(session, collection.pk, link, action, task_id=link.task_id) for link in links]
    )


def change_here(
    session: SyncSession,
    collection_id: UUID,
    link: ExternalLink,
    action: str,
    *,
    task_id: UUID | None = None,
    project_id: UUID | None = None,
    fields: object = None,
) -> SyncChange:
    """One change on this side, not saved."""
    return SyncChange(
        id=uuid7(),
        run=session.run,
        collection_id=collection_id,
        link_id=link.pk,
        task_id=task_id,
        project_id=project_id,
        title=link.title,
        side=SyncChange.Side.HERE,
        action=action,
        fields=fields or {},
    )


def write_changes(session: SyncSession, rows: Sequence[SyncChange]) -> None:
    """Save changes; a run that only looks leaves its own row with the first of them."""
    if rows:
        session.journal.save_run()
        SyncChange.objects.bulk_create(rows)
        session.changes_noted += len(rows)
