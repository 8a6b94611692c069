"""Where no events come, records are looked at once before they are written: one question for all that are to go."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import RecordOrder, RecordPage, RecordQuery, RemoteRecord, SourceError
from integrations.models import ExternalLink, Push, SyncedCollection, WebhookSubscription
from integrations.sync.differences import Compared, differences
from integrations.sync.guarded_source import Postponed
from integrations.sync.hashing import EDIT_RESOLUTION
from integrations.sync.push.writer import Writer
from integrations.sync.session import CONNECTION_PROBLEMS
from integrations.sync.taking_over import take_over
from integrations.sync.vocabulary import OurField
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Edit times are cut to the minute, and lists lag a little.
_OVERLAP: Final = 2 * EDIT_RESOLUTION


def look_first(writer: Writer, push_ids: Iterable[UUID]) -> int:
    """Merge what was changed there meanwhile in the records these pushes are about to change; returns how many.

    Nothing where events come: they say which records to read first. Else one call for one record, and one for each
    hundred records edited since the last look for several of a table. Where that cannot be read, nothing is held up by
    it. Outside a transaction. Raises: SourceError (the connection's own problem), LimitReached, LeaseLost.
    """
    with atomic():
        groups = _about_to_be_written(writer, push_ids)
    looked = 0
    for collection, remote_ids in groups:
        try:
            looked += _look(writer, collection, remote_ids)
        except Postponed as error:
            log.warning("push.not_looked_first", collection_id=collection.pk, reason=str(error))
        except SourceError as error:
            if error.kind in CONNECTION_PROBLEMS:
                raise
            log.warning("push.not_looked_first", collection_id=collection.pk, reason=str(error))
    return looked


def _about_to_be_written(
    writer: Writer, push_ids: Iterable[UUID]
) -> list[tuple[SyncedCollection, list[str]]]:
    """The records with something to send, by their collection."""
    listening = WebhookSubscription.objects.filter(
        connection=writer.connection, state=WebhookSubscription.State.ACTIVE
    )
    if listening.exists():
        return []
    waiting = Push.objects.filter(
        pk__in=list(push_ids),
        kind=Push.Kind.UPDATE,
        state=Push.State.WAITING,
        link__state=ExternalLink.State.CLEAN,
        # What both sides agree on is not known of the others: they are read in any case.
        link__base__isnull=False,
    )
    links: dict[UUID, list[ExternalLink]] = {}
    collections: dict[UUID, SyncedCollection] = {}
    for push in waiting.select_related("link", "collection").order_by("pk"):
        assert push.link is not None
        links.setdefault(push.collection_id, []).append(push.link)
        collections[push.collection_id] = push.collection
    found = []
    for pk, collection in collections.items():
        collection.connection = writer.connection
        remote_ids = _dirty(writer, collection, links[pk])
        if remote_ids:
            found.append((collection, remote_ids))
    return found


def _dirty(writer: Writer, collection: SyncedCollection, links: Sequence[ExternalLink]) -> list[str]:
    mapping = writer.mapping(collection)
    compared = [Compared(link.task_id, link) for link in links if link.task_id is not None]
    differing = differences(writer.connection, collection.pk, mapping, compared)
    # The text of a page is read before it is written, whoever tells of what.
    text = set() if OurField.DESCRIPTION in mapping.fields else {OurField.DESCRIPTION.value}
    return [
        link.remote_id
        for link in links
        if link.task_id is not None and set(differing.get(link.task_id, {})) - text
    ]


def _look(writer: Writer, collection: SyncedCollection, remote_ids: Sequence[str]) -> int:
    left = set(remote_ids)
    if len(left) > 1 and collection.watermark is not None:
        left = _read_edited(writer, collection, left)
    for remote_id in sorted(left):
        writer.session.check()
        _take(writer, collection, [writer.session.source.record(remote_id)])
    return len(remote_ids)


def _read_edited(writer: Writer, collection: SyncedCollection, wanted: set[str]) -> set[str]:
    """Ask for what was edited since the last look; returns what has to be read by itself.

    That is nothing, unless so much was edited that asking for each is cheaper: then it is everything, because what
    came may have been edited again.
    """
    assert collection.watermark is not None
    query = RecordQuery(
        collection_id=collection.remote_id, order=RecordOrder.EDITED, since=collection.watermark - _OVERLAP
    )
    found: dict[str, RemoteRecord] = {}
    for _ in range(len(wanted) - 1):
        writer.session.check()
        page = writer.session.source.records(query)
        found |= {record.id: record for record in page.records if record.id in wanted}
        if page.next_cursor is None and not page.is_limited:
            _take(writer, collection, found.values())
            return set()
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    return wanted


def _take(writer: Writer, collection: SyncedCollection, records: Iterable[RemoteRecord]) -> None:
    with atomic():
        context = writer.context(collection)
    # What is in the trash, or elsewhere, is found out by the write itself, and by the next look.
    alive = tuple(one for one in records if not one.is_trashed and one.collection_id == collection.remote_id)
    if alive:
        page = RecordPage(records=alive, next_cursor=None, server_time=timezone.now())
        take_over(context, page)
