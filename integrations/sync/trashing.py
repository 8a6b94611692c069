"""Follows records into the trash: their tasks are archived, unless that would bury what was not sent yet."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from integrations.models import Conflict, Connection, ExternalLink, FieldMapping, SyncedCollection
from integrations.sync.canonical import compared_fields, local_values
from integrations.sync.carrying import RECORD, carried_values, dirty_fields
from integrations.sync.changes import note_archived
from integrations.sync.counterparts import counterparts_for
from integrations.sync.links import lock_bases
from integrations.sync.session import SyncSession
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tasks.services import archive_tasks
from tenants.accounts.access import SYSTEM

IN_TRASH = "It is in the trash of the workspace."


def follow_into_trash(
    session: SyncSession,
    collection: SyncedCollection,
    mapping: CollectionMapping,
    links: Sequence[ExternalLink],
) -> int:
    """Archive the tasks of records that went to the trash; returns how many records that were. Saves no link.

    A task with edits that were never sent stays as it is and becomes a conflict: somebody says whether it follows.
    """
    for link in links:
        link.state, link.state_reason = ExternalLink.State.TRASHED_REMOTE, IN_TRASH
    unsent = unsent_fields(session.connection, mapping, links)
    held = [link for link in links if unsent.get(link.pk)]
    gone = [link for link in links if not unsent.get(link.pk)]
    archived = set(archive_tasks(ids=[link.task_id for link in gone if link.task_id], actor=SYSTEM))
    note_archived(session, collection, [link for link in gone if link.task_id in archived])
    fresh = [_conflict(session, link, link.task_id, unsent[link.pk]) for link in held if link.task_id]
    if fresh:
        Conflict.objects.bulk_create(fresh, ignore_conflicts=True)
        session.journal.count_conflicts(len(fresh))
    return len(gone)


def unsent_fields(
    connection: Connection, mapping: CollectionMapping, links: Sequence[ExternalLink]
) -> dict[UUID, list[OurField]]:
    """The fields of each link's task that were edited here and not sent, by link; archived tasks have none.

    The tasks stay locked, so that no edit slips in between.
    """
    known = {link.task_id: link for link in links if link.task_id is not None}
    live = Task.objects.filter(pk__in=list(known)).live().select_for_update(no_key=True).order_by("pk")
    locals_ = local_values(list(live.values_list("pk", flat=True)), fields=compared_fields(mapping))
    lock_bases(known.values())
    counterparts = counterparts_for(connection, mapping, locals_.values())
    return {
        (link := known[task_id]).pk: dirty_fields(
            carried_values(local, mapping, counterparts, base=link.base), link.base, mapping
        )
        for task_id, local in locals_.items()
    }


def _conflict(
    session: SyncSession, link: ExternalLink, task_id: UUID, fields: Sequence[OurField]
) -> Conflict:
    return Conflict(
        connection=session.connection,
        link=link,
        task_id=task_id,
        run_id=session.run.pk,
        our_field=RECORD,
        policy=FieldMapping.Policy.MANUAL,
        local=[item.value for item in fields],
        remote="trashed",
        reason="It went to the trash there while edits made here had not been sent.",
        remote_changed_at=link.remote_edited_at or timezone.now(),
    )
