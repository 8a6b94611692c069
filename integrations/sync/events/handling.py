"""Reads what events told of: sorts them, reads each dirty record the cheapest way, and notes what became of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
)
from integrations.selectors import is_awaiting_decision
from integrations.services import DISCOVER_JOB, WHOLE_KINDS, system_run
from integrations.sync.conflicts.overwritten import tell_overwritten
from integrations.sync.disappearances import GUARD_SHARE
from integrations.sync.engine import carry_out
from integrations.sync.events.debounce import seconds_to_wait
from integrations.sync.events.dirty_set import (
    facts_about,
    settle,
    told_by,
    waiting_events,
)
from integrations.sync.events.failing import put_off
from integrations.sync.events.reading import DirtyTable, read_dirty
from integrations.sync.events.triage import Facts, Want, judge
from integrations.sync.guarded_source import Postponed
from integrations.sync.polling import ask_for_bodies
from integrations.sync.reading import OVERLAP
from integrations.sync.safety.brake import FLOOR
from tenants.dispatch import enqueue
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Events of a table that is being read for the first time wait for the end of that, others for the service to recover.
LATER_SECONDS: Final = 15.0
#: While somebody has to decide about a run, nothing more is read; how often that is looked up.
HELD_SECONDS: Final = 30.0
_READ, _IGNORED = InboundEvent.State.DONE, InboundEvent.State.IGNORED


@dataclass
class Sorted:
    """The dirty set by what is to be done. Event ids, but for `bodies`: remote id → the last change."""

    tables: dict[UUID, DirtyTable] = field(default_factory=dict)
    bodies: dict[str, datetime] = field(default_factory=dict)
    body_events: list[str] = field(default_factory=list)
    nothing: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    new_tables: list[str] = field(default_factory=list)
    #: They go on waiting.
    later: list[str] = field(default_factory=list)


def handle_events(*, connection_id: UUID, heartbeat: Callable[[], None]) -> float | None:
    """Read what the waiting events of a connection told of, once the burst is over.

    Returns the seconds after which to look again, None when nothing waits or only what was put off because it cannot
    be read (`next_put_off` says until when). Call it outside a transaction.
    Raises: LimitReached (the events go on waiting), LeaseLost.
    """
    with atomic():
        connection = Connection.objects.filter(pk=connection_id).first()
        if connection is None or connection.state != Connection.State.CONNECTED:
            # Whoever resumes it looks for changes, and that look asks for the events that wait.
            return None
        if is_awaiting_decision(connection):
            return HELD_SECONDS
        waiting = waiting_events(connection)
        if not waiting:
            return None
        pause = _pause(waiting)
        if pause > 0:
            return pause
        dirty = sort_out(waiting, facts_about(connection, waiting))
        _settle_what_needs_no_call(connection, dirty)
        _mind_the_guard(connection, dirty)
    log.info(
        "events.sorted",
        connection_id=connection_id,
        events=len(waiting),
        tables=len(dirty.tables),
        records=sum(len(table.records) + len(table.look_ups) for table in dirty.tables.values()),
    )
    if dirty.tables:
        _read(connection, list(dirty.tables.values()), heartbeat)
    return LATER_SECONDS if dirty.later else None


def sort_out(waiting: Iterable[InboundEvent], facts: Facts) -> Sorted:
    """Sort events by what they ask for; a record named often is read once. The order of arrival plays no part."""
    dirty = Sorted()
    for row in sorted(waiting, key=lambda item: (item.occurred_at, item.pk)):
        told = told_by(row)
        verdict = judge(told, facts)
        if verdict.want is Want.NOTHING:
            dirty.nothing[verdict.reason].append(row.pk)
        elif verdict.want is Want.LATER:
            dirty.later.append(row.pk)
        elif verdict.want is Want.TABLES or verdict.table is None:
            dirty.new_tables.append(row.pk)
        elif verdict.want is Want.BODY:
            dirty.bodies[told.entity_id] = told.occurred_at
            dirty.body_events.append(row.pk)
        else:
            table = dirty.tables.setdefault(verdict.table.id, DirtyTable(verdict.table))
            table.add(told, verdict.want)
    return dirty


def _pause(waiting: Sequence[InboundEvent]) -> float:
    arrivals = [row.received_at for row in waiting]
    return seconds_to_wait(first_at=min(arrivals), last_at=max(arrivals), now=timezone.now())


def _settle_what_needs_no_call(connection: Connection, dirty: Sorted) -> None:
    # Of all at once: it locks tasks, then links, and nobody may lock tasks after links.
    _tell_of_lost_edits(connection, [one for ids in dirty.nothing.values() for one in ids])
    for reason, ids in dirty.nothing.items():
        settle(ids, state=_IGNORED, reason=reason)
    if dirty.new_tables:
        enqueue(DISCOVER_JOB, object_id=connection.pk, slot=f"discover:{connection.pk}", priority=60)
        settle(dirty.new_tables, state=_READ, reason="Tables are looked for anew.")
    if dirty.bodies:
        _mark_texts(connection, dirty.bodies)
        settle(dirty.body_events, state=_READ, reason="Its text is read.")


def _mark_texts(connection: Connection, bodies: dict[str, datetime]) -> None:
    """Have texts read that changed. The edit is known by this, so that the next look does not read them again."""
    now = timezone.now()
    told = ExternalLink.objects.filter(connection=connection, remote_id__in=list(bodies))
    # In the order in which everybody locks them: they are marked minute by minute.
    list(told.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    by_minute: dict[datetime, list[str]] = defaultdict(list)
    for remote_id, occurred_at in bodies.items():
        by_minute[occurred_at.replace(second=0, microsecond=0)].append(remote_id)
    for minute, remote_ids in by_minute.items():
        links = ExternalLink.objects.filter(
            connection=connection, remote_id__in=remote_ids, task__isnull=False
        )
        links.update(
            is_body_stale=True,
            body_due_at=now,
            remote_edited_at=Greatest(Coalesce(F("remote_edited_at"), minute), minute),
        )
    ask_for_bodies(connection.pk)


def _mind_the_guard(connection: Connection, dirty: Sorted) -> None:
    """Where so many rows go at once that it may be a mistake, everything is compared and somebody asked instead."""
    for table in dirty.tables.values():
        gone = table.trashed_ids
        if len(gone) <= FLOOR:
            continue
        links = ExternalLink.objects.filter(collection_id=table.known.id, state=ExternalLink.State.CLEAN)
        if len(gone) <= GUARD_SHARE * links.count():
            continue
        ids = table.forget(gone)
        if _is_to_be_compared(connection, table.known.id):
            settle(ids, state=_IGNORED, reason="So many rows went at once that everything is compared first.")
        else:
            # Nothing would ever look for these rows: they wait until a run can be started.
            dirty.later += ids


def _is_to_be_compared(connection: Connection, collection_id: UUID) -> bool:
    """Start a run that compares everything; says whether there is one that has yet to read this table."""
    system_run(connection=connection, kind=SyncRun.Kind.FULL, trigger=SyncRun.Trigger.WEBHOOK)
    under_way = SyncRun.objects.filter(connection=connection, kind__in=WHOLE_KINDS, is_cancel_requested=False)
    # One that is in the middle of the table may have seen the rows before they went.
    unread = SyncRunCollection.objects.filter(
        collection_id=collection_id, state=SyncRunCollection.State.PENDING
    )
    return unread.filter(run__in=under_way.open()).exists()


def _read(connection: Connection, tables: list[DirtyTable], heartbeat: Callable[[], None]) -> None:
    with atomic():
        run, parts = _new_run(connection, tables)
    by_part = {part.pk: table for part in parts for table in tables if table.known.id == part.collection_id}
    try:
        carry_out(run, parts, heartbeat=heartbeat, steps=partial(read_dirty, tables=by_part))
    except Postponed as error:
        # The service fails, maybe for these records only: the others go first the next time.
        with atomic():
            _settle_parts(connection, parts, by_part)
            _put_off_failed(connection, parts, by_part, str(error))
        raise
    if run.held_for:
        return
    with atomic():
        is_connected = Connection.objects.working().filter(pk=connection.pk).exists()
        if run.state not in {SyncRun.State.SUCCEEDED, SyncRun.State.PARTIAL}:
            if is_connected:
                reason = f"It could not be read, the next look finds it: {run.error}"
                for part in parts:
                    _leave_to_the_next_look(connection, part, by_part[part.pk], reason)
            return
        _settle_parts(connection, parts, by_part)
        _put_off_failed(connection, parts, by_part, "The service failed for this record again and again.")
        ask_for_bodies(connection.pk)


def _tell_of_lost_edits(connection: Connection, ids: Sequence[str]) -> None:
    """Before events are settled: their records are known as they are now, so a lost edit is told from a later one."""
    if not ids:
        return
    waiting = InboundEvent.objects.filter(pk__in=ids, state=InboundEvent.State.WAITING)
    tell_overwritten(connection, waiting.order_by("occurred_at", "id"))


def _settle_parts(
    connection: Connection, parts: Sequence[SyncRunCollection], by_part: Mapping[UUID, DirtyTable]
) -> None:
    """Note what became of the events of tables that were read, and of those that were given up."""
    done = {SyncRunCollection.State.READ, SyncRunCollection.State.DONE}
    read = [by_part[part.pk].events_by_way() for part in parts if part.state in done]
    _tell_of_lost_edits(connection, [one for ways in read for ids in ways.values() for one in ids])
    for part in parts:
        if part.state == SyncRunCollection.State.FAILED:
            reason = f"Its table could not be read: {part.error}"
            _leave_to_the_next_look(connection, part, by_part[part.pk], reason)
    for ways in read:
        for how, ids in ways.items():
            settle(ids, state=_READ, reason=how)


def _put_off_failed(
    connection: Connection,
    parts: Sequence[SyncRunCollection],
    by_part: Mapping[UUID, DirtyTable],
    reason: str,
) -> None:
    for part in parts:
        if part.state != SyncRunCollection.State.FAILED:
            put_off(connection, part.collection, by_part[part.pk].failed_events, reason=reason)


def _leave_to_the_next_look(
    connection: Connection, part: SyncRunCollection, table: DirtyTable, reason: str
) -> None:
    """Settle what a look for changes finds by itself; what went to the trash or elsewhere it does not find."""
    unseen = table.records_unseen_by_looks
    put_off(connection, part.collection, unseen, reason=reason)
    kept = table.unseen_by_looks
    settle((one for one in table.events if one not in kept), state=_IGNORED, reason=reason)


def _new_run(connection: Connection, tables: Sequence[DirtyTable]) -> tuple[SyncRun, list[SyncRunCollection]]:
    """A run that is saved with the first change; one that was broken off is closed, its events still wait."""
    left = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.EVENTS).open()
    now = timezone.now()
    left.update(state=SyncRun.State.CANCELLED, error="Interrupted; the next one took over.", finished_at=now)
    run = SyncRun(
        connection=connection,
        kind=SyncRun.Kind.EVENTS,
        trigger=SyncRun.Trigger.WEBHOOK,
        started_at=now,
        created_at=now,
    )
    wanted = SyncedCollection.objects.filter(pk__in=[table.known.id for table in tables])
    parts = [
        SyncRunCollection(
            run=run, collection=item, place=place, since=item.watermark - OVERLAP if item.watermark else None
        )
        for place, item in enumerate(wanted.order_by("-role", "title", "id"))
    ]
    return run, parts
