"""The second phase: references between records, set once the records they point to are here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import batched
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

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
#: Beyond so many records just read, everything that waits is tried.
_MOST_NAMED: Final = 1000
#: So far the clocks of two workers may differ.
_CLOCKS: Final = timedelta(minutes=1)

type Mappings = Mapping[UUID, CollectionMapping]


def is_anything_to_connect(session: SyncSession) -> bool:
    """Whether references came in, with this run or since the last one that went to its end; one statement."""
    if session.needs_relations:
        return True
    with atomic():
        return _fresh(session).exists()


def resolve_relations(session: SyncSession, *, is_whole: bool = False) -> int:
    """Set parents and dependencies of the links that wait for it; returns how many tasks were looked at.

    What points to a record that is not here stays noted on the link, and is tried again when that record is read.
    `is_whole` tries all of them, however long they have waited. Calls no service. Raises: LeaseLost, Stopped.
    """
    with atomic():
        mappings = _mappings(session)
        # A handful of changes must not cost a look at every reference that leads nowhere.
        wanted = None if is_whole else _to_connect(session)
    count = 0
    for piece in _whole(session) if wanted is None else batched(wanted, _BATCH, strict=False):
        session.check()
        with session.writing():
            links = list(_waiting(session).filter(pk__in=piece).order_by("pk"))
            if links:
                resolve_links(session, links, mappings)
        count += len(links)
    session.needs_relations = False
    return count


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


def _linked(session: SyncSession) -> QuerySet[ExternalLink]:
    return ExternalLink.objects.filter(connection=session.connection, task__isnull=False)


def _waiting(session: SyncSession) -> QuerySet[ExternalLink]:
    return _linked(session).exclude(unresolved={})


def _fresh(session: SyncSession) -> QuerySet[ExternalLink]:
    """What waits since the last run that went to its end: read by this one, by one that was broken off, by a push."""
    since = session.connection.last_synced_at
    links = _waiting(session)
    return links if since is None else links.filter(synced_at__gte=since - _CLOCKS)


def _to_connect(session: SyncSession) -> list[UUID] | None:
    """The links that may have something to be set now, in order; None for all that wait."""
    fresh = set(_fresh(session).values_list("remote_id", flat=True)[: _MOST_NAMED + 1]) | session.linked_refs
    if len(fresh) > _MOST_NAMED:
        return None
    wanted = Q(remote_id__in=fresh)
    for item in RELATIONS:
        wanted |= Q(**{f"unresolved__{item.value}__has_any_keys": sorted(fresh)})
    return list(_waiting(session).filter(wanted).order_by("pk").values_list("pk", flat=True))


def _whole(session: SyncSession) -> Iterator[Sequence[UUID]]:
    """All links that wait, a piece at a time."""
    last: UUID | None = None
    while True:
        with atomic():
            links = _waiting(session) if last is None else _waiting(session).filter(pk__gt=last)
            piece = list(links.order_by("pk").values_list("pk", flat=True)[:_BATCH])
        if not piece:
            return
        yield piece
        last = piece[-1]


def resolve_before_sending(session: SyncSession, link_id: UUID) -> None:
    """Merge the references of a link that were read and not merged yet: what is sent would overwrite them unseen.

    A worker may have died between the two, or be between two pages. Calls no service. Raises: LeaseLost.
    """
    with session.writing():
        links = list(_fresh(session).filter(pk=link_id))
        if links:
            session.journal.save_run()
            resolve_links(session, links, _mappings(session), is_sent_now=True)


def resolve_links(
    session: SyncSession,
    links: Sequence[ExternalLink],
    mappings: Mappings,
    *,
    is_sent_now: bool = False,
) -> None:
    """Set the parents and dependencies of these links as far as they are known; inside a transaction.

    ``is_sent_now``: what counts from here is about to be sent anyway, so it is not asked for.
    """
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
    to_send = _tell(session, merged, written, mappings)
    if to_send and not is_sent_now:
        request_push(task_ids=to_send, is_interactive=False)
    if fresh:
        # The page they came with has counted them as unchanged; those this run did not read, nobody has.
        counted = min(len(fresh), session.run.unchanged)
        session.journal.progress(Counts(changed=len(fresh), unchanged=-counted), calls=0)


def _tell(
    session: SyncSession, merged: Sequence[MergedRelations], written: Collection[UUID], mappings: Mappings
) -> list[UUID]:
    """Write down what changed and what is disputed; returns the tasks of which something counts from here."""
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
    return [item.record.draft.id for item in merged if item.record.has_to_send]


def _told_by_former_workers(session: SyncSession, links: Sequence[ExternalLink]) -> set[UUID]:
    """Tasks this run took over before it was interrupted: whoever did so has counted them for good."""
    began = session.run.created_at, session.began_at
    return {
        link.task_id
        for link in links
        if link.task_id and link.synced_at and began[0] <= link.synced_at < began[1]
    }
