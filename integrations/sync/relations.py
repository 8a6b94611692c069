"""The second phase: references between records, set once the records they point to are here."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from integrations.models import ExternalLink, FieldMapping, SyncChange, SyncedCollection
from integrations.sync.canonical import RELATIONS
from integrations.sync.changes import change_here, write_changes
from integrations.sync.conflicts.recording import record_conflicts
from integrations.sync.journal import Counts
from integrations.sync.links import write_links
from integrations.sync.merging_relations import MergedRelations, merge_relations
from integrations.sync.push.requests import request_push
from integrations.sync.session import SyncSession
from integrations.sync.stored_mapping import collection_mapping
from integrations.sync.translate import CollectionMapping
from tasks.services import set_task_relations
from tenants.accounts.access import SYSTEM
from tenants.tenancy import atomic

_BATCH: Final = 200

type Mappings = Mapping[UUID, CollectionMapping]


def resolve_relations(session: SyncSession) -> int:
    """Set parents and dependencies of all links that wait for it; returns how many tasks were looked at.

    What points to a record that is not here stays noted on the link and is tried again when there are new
    ones. Calls no service. Raises: LimitReached, LeaseLost, Stopped.
    """
    last: UUID | None = None
    count = 0
    with atomic():
        mappings = _mappings(session)
    while True:
        session.check()
        with atomic():
            session.hold()
            links = _waiting(session, after=last)
            if not links:
                return count
            resolve_links(session, links, mappings)
        last = links[-1].pk
        count += len(links)


def _mappings(session: SyncSession) -> Mappings:
    """How the relations of every collection of the connection are kept in step."""
    relations = FieldMapping.objects.filter(our_field__in=[item.value for item in RELATIONS])
    rows = FieldMapping.objects.filter(
        collection__connection=session.connection, collection__in=relations.values("collection")
    )
    by_collection: dict[SyncedCollection, list[FieldMapping]] = {}
    for row in rows.select_related("collection"):
        by_collection.setdefault(row.collection, []).append(row)
    return {
        collection.pk: collection_mapping(collection, its_rows, source=session.connection.name)
        for collection, its_rows in by_collection.items()
    }


def _waiting(session: SyncSession, *, after: UUID | None) -> Sequence[ExternalLink]:
    links = ExternalLink.objects.filter(connection=session.connection, task__isnull=False)
    links = links.exclude(unresolved={})
    if after is not None:
        links = links.filter(pk__gt=after)
    return list(links.order_by("pk")[:_BATCH])


def resolve_links(session: SyncSession, links: Sequence[ExternalLink], mappings: Mappings) -> None:
    """Set the parents and dependencies of these links as far as they are known; inside a transaction."""
    wanted = {ref for link in links for refs in link.unresolved.values() for ref in refs}
    rows = ExternalLink.objects.filter(connection=session.connection, remote_id__in=wanted)
    task_ids = {ref: str(pk) for ref, pk in rows.exclude(task=None).values_list("remote_id", "task_id")}
    merged = merge_relations(session.connection, links, task_ids, mappings)
    relations = [item.relations for item in merged]
    result = set_task_relations(links=relations, actor=SYSTEM)
    written = set(result.updated_ids)
    fresh = written - session.touched_ids - _told_by_former_workers(session, links)
    session.touched_ids |= fresh
    for item in merged:
        link = item.record.link
        link.base, link.kept = item.record.base, item.kept
        if all(ref in task_ids for refs in link.unresolved.values() for ref in refs):
            link.unresolved = {}
    for link in links:
        if link.collection_id not in mappings:
            # No column of its collection holds relations any more; a new mapping reads everything anew.
            link.unresolved = {}
    # Far less work than an update with a case for each row.
    write_links(links, fields=["unresolved", "base", "kept"])
    _tell(session, merged, written, mappings)
    if fresh:
        # The page they came with has counted them as unchanged; those this run did not read, nobody has.
        counted = min(len(fresh), session.run.unchanged)
        session.journal.progress(Counts(changed=len(fresh), unchanged=-counted), calls=0)


def _tell(
    session: SyncSession, merged: Sequence[MergedRelations], written: Collection[UUID], mappings: Mappings
) -> None:
    """Write down what changed and what is disputed, and have sent what counts from here."""
    rows: list[SyncChange] = []
    found = 0
    for collection_id, mapping in mappings.items():
        records = [item.record for item in merged if item.record.link.collection_id == collection_id]
        if records:
            found += record_conflicts(session.connection, mapping, records, run_id=session.run.pk)
        rows += [
            change_here(
                session,
                collection_id,
                record.link,
                SyncChange.Action.UPDATED,
                task_id=record.draft.id,
                fields=record.changes,
            )
            for record in records
            if record.draft.id in written and record.changes
        ]
    write_changes(session, rows)
    if found:
        session.journal.count_conflicts(found)
    to_send = [item.record.draft.id for item in merged if item.record.has_to_send]
    if to_send:
        request_push(task_ids=to_send, is_interactive=False)


def _told_by_former_workers(session: SyncSession, links: Sequence[ExternalLink]) -> set[UUID]:
    """Tasks this run took over before it was interrupted: whoever did so has counted them for good."""
    began = session.run.created_at, session.began_at
    return {
        link.task_id
        for link in links
        if link.task_id and link.synced_at and began[0] <= link.synced_at < began[1]
    }
