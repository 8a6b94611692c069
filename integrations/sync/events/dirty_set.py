"""The waiting events of a connection, and everything stored about what they speak of."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Min, Q
from django.utils import timezone

from integrations.capabilities.event_feed import Change
from integrations.models import (
    Connection,
    ExternalLink,
    FieldMapping,
    InboundEvent,
    SyncedCollection,
    SyncRun,
    WebhookSubscription,
)
from integrations.services import WHOLE_KINDS
from integrations.sync.events.storing import LONGEST_REASON
from integrations.sync.events.triage import Facts, KnownRecord, KnownTable, Told

#: More are read in the next turn; a burst of ten thousand is one turn.
MOST_EVENTS = 20_000
_CHUNK = 5_000


def waiting_events(connection: Connection) -> list[InboundEvent]:
    """The dirty set, oldest change first, in whatever order it came; inside a transaction.

    Events that were put off are not in it until their time has come.
    """
    waiting = InboundEvent.objects.filter(_due(), connection=connection, state=InboundEvent.State.WAITING)
    return list(waiting.order_by("occurred_at", "id")[:MOST_EVENTS])


def _due() -> Q:
    return Q(not_before=None) | Q(not_before__lte=timezone.now())


def next_put_off(connection_id: UUID) -> datetime | None:
    """When the first event that was put off is due; None when there is none."""
    put_off = InboundEvent.objects.filter(
        connection_id=connection_id, state=InboundEvent.State.WAITING, not_before__gt=timezone.now()
    )
    first: datetime | None = put_off.aggregate(first=Min("not_before"))["first"]
    return first


def told_by(row: InboundEvent) -> Told:
    """An event as it is judged."""
    return Told(
        id=row.pk,
        change=Change(row.change),
        entity_id=row.entity_id,
        collection_id=row.collection_id,
        updated_fields=None if row.updated_fields is None else tuple(row.updated_fields),
        author_ids=tuple(row.author_ids),
        occurred_at=row.occurred_at,
    )


def facts_about(connection: Connection, events: Sequence[InboundEvent]) -> Facts:
    """What is stored about the records and tables of these events; a fixed number of statements each 5,000."""
    tables = list(SyncedCollection.objects.filter(connection=connection))
    used: dict[UUID, set[str]] = {}
    mapped = FieldMapping.objects.filter(collection__in=tables).exclude(state=FieldMapping.State.SUSPENDED)
    for collection_id, remote_id in mapped.values_list("collection_id", "remote_field_id"):
        used.setdefault(collection_id, set()).add(remote_id)
    known = {table.pk: _table(table, used.get(table.pk, set())) for table in tables}
    holders: dict[str, list[KnownTable]] = {}
    for table in tables:
        holders.setdefault(table.container_id, []).append(known[table.pk])
    # What holds several tables names none of them.
    single = {holder: found[0] for holder, found in holders.items() if holder and len(found) == 1}
    whole = SyncRun.objects.filter(connection=connection, kind__in=WHOLE_KINDS).open()
    return Facts(
        account_id=connection.account_id,
        records=_records(connection, {row.entity_id for row in events}),
        tables=single | {table.remote_id: known[table.pk] for table in tables},
        tables_by_id=known,
        is_first_reading=whole.exists(),
        now=timezone.now(),
        last_told=_last_told(connection, events),
    )


def _last_told(connection: Connection, events: Sequence[InboundEvent]) -> dict[str, datetime]:
    """When something happened last to the records that are said to be in the trash; none asked for without one."""
    gone = {row.entity_id for row in events if row.change == InboundEvent.Change.TRASHED}
    if not gone:
        return {}
    told = InboundEvent.objects.filter(connection=connection, entity_id__in=gone)
    last = told.order_by().values("entity_id").annotate(last=Max("occurred_at"))
    return {row["entity_id"]: row["last"] for row in last}


def _table(table: SyncedCollection, used: set[str]) -> KnownTable:
    states = SyncedCollection.State
    return KnownTable(
        id=table.pk,
        remote_id=table.remote_id,
        is_read=table.is_enabled
        and table.mapping_state == SyncedCollection.MappingState.CONFIRMED
        and table.state in {states.READY, states.ATTENTION},
        is_lost=table.state == states.LOST,
        watermark=table.watermark,
        columns=frozenset(str(column["id"]) for column in table.schema),
        used_columns=frozenset(used | {table.external_id_field_id} - {""}),
        has_texts=table.role == SyncedCollection.Role.TASKS,
    )


def _records(connection: Connection, remote_ids: Iterable[str]) -> dict[str, KnownRecord]:
    ids, found = sorted(remote_ids), {}
    for start in range(0, len(ids), _CHUNK):
        links = ExternalLink.objects.filter(connection=connection, remote_id__in=ids[start : start + _CHUNK])
        for link in links.only(
            "remote_id", "collection_id", "state", "content_hash", "remote_edited_at", "synced_at", "body_read_at",
            "task_id",
        ):  # fmt: skip
            found[link.remote_id] = KnownRecord(
                collection_id=link.collection_id,
                state=link.state,
                content_hash=link.content_hash,
                edited_at=link.remote_edited_at,
                synced_at=link.synced_at,
                body_read_at=link.body_read_at,
                has_task=link.task_id is not None,
            )
    return found


def settle(events: Iterable[str], *, state: str, reason: str) -> None:
    """Note what became of events; inside a transaction. Those that are settled already stay as they are."""
    ids = list(events)
    for start in range(0, len(ids), _CHUNK):
        waiting = InboundEvent.objects.filter(
            pk__in=ids[start : start + _CHUNK], state=InboundEvent.State.WAITING
        )
        waiting.update(state=state, reason=reason[:LONGEST_REASON], handled_at=timezone.now())


def is_anything_waiting(connection_id: UUID) -> bool:
    """Whether events wait that are due; nobody can store one until the transaction ends, so a job may end on a no."""
    WebhookSubscription.objects.select_for_update().filter(connection_id=connection_id).first()
    waiting = InboundEvent.objects.filter(connection_id=connection_id, state=InboundEvent.State.WAITING)
    return waiting.filter(_due()).exists()


def forget_old_events(connection: Connection, *, before: datetime) -> int:
    """Delete events nobody needs any more, a few thousand at most; returns how many.

    Those that wait are kept while their connection is read. Where nobody has read for so long, everything is compared
    before events count again.
    """
    old = InboundEvent.objects.filter(connection=connection, received_at__lt=before)
    if connection.state == Connection.State.CONNECTED:
        old = old.exclude(state=InboundEvent.State.WAITING)
    ids = list(old.order_by("received_at").values_list("pk", flat=True)[:_CHUNK])
    return InboundEvent.objects.filter(pk__in=ids).delete()[0]
