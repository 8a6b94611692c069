"""Looks for changes: one question per collection, nothing written when nothing changed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from integrations.models import (
    Connection,
    ExternalLink,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
    WebhookSubscription,
)
from integrations.selectors import is_awaiting_decision, last_full_reading_at
from integrations.services import BODIES_JOB, WHOLE_KINDS, enqueue_pushes, have_runs_go_on, system_run
from integrations.sync.engine import carry_out
from integrations.sync.events.dirty_set import is_anything_waiting
from integrations.sync.events.storing import ask_for_events
from integrations.sync.events.watchdog import SAFETY_SECONDS, poll_seconds, watch
from integrations.sync.push.sender import seconds_until_next
from integrations.sync.reading import OVERLAP
from tenants.dispatch import enqueue
from tenants.tenancy import atomic

#: Deletions, moved records and computed columns are only found by reading everything.
FULL_CHECK_EVERY: Final = timedelta(hours=24)
PAUSE_AFTER_FAILURE: Final = timedelta(minutes=10)
#: A table that is to be looked at within this time is looked at now.
_SOON_SECONDS: Final = 45


def poll_connection(
    *, connection_id: UUID, heartbeat: Callable[[], None], is_scheduled: bool = False
) -> bool:
    """Take over what changed since the watermarks; False when this connection is not to be polled any more.

    One call per collection when little changed. While events come, a scheduled look leaves out what a reading has
    shown as a whole since the last one. Call it outside a transaction. Raises: LimitReached, LeaseLost.
    """
    with atomic():
        connection = Connection.objects.filter(pk=connection_id).first()
        if connection is None or connection.state != Connection.State.CONNECTED:
            return False
        # Also those that keep this look from looking: one that was approved has to come to its end.
        have_runs_go_on(connection)
        _have_pushes_go_on(connection_id)
        if is_awaiting_decision(connection) or _starts_whole_reading(connection):
            return True
        run, parts = _new_poll(connection, left_out=_lately_read(connection) if is_scheduled else [])
    if parts:
        carry_out(run, parts, heartbeat=heartbeat)
    watch(connection_id=connection_id)
    with atomic():
        ask_for_bodies(connection_id)
        if is_anything_waiting(connection_id):
            # Told while nobody read, or left over when their job was given up.
            ask_for_events(connection, timezone.now())
    return True


@atomic
def seconds_between_looks(connection_id: UUID) -> int:
    """In how many seconds to look again. Raises: Connection.DoesNotExist.

    While events come, that is when the first table was not looked at for as long as a lost event may stay unnoticed.
    """
    connection = Connection.objects.get(pk=connection_id)
    subscription = WebhookSubscription.objects.filter(connection=connection).first()
    seconds = poll_seconds(connection, subscription)
    if seconds != SAFETY_SECONDS:
        return seconds
    ages = [(timezone.now() - read_at).total_seconds() for read_at in _read_at(connection).values()]
    # One that could not be read just now is tried again with the usual distance.
    return min((ceil(seconds - age) for age in ages if 0 <= age < seconds - _SOON_SECONDS), default=seconds)


def _lately_read(connection: Connection) -> list[UUID]:
    """Tables of which somebody has read all that was edited, so lately that a look would find nothing more."""
    subscription = WebhookSubscription.objects.filter(connection=connection).first()
    if poll_seconds(connection, subscription) != SAFETY_SECONDS:
        return []
    since = timezone.now() - timedelta(seconds=SAFETY_SECONDS - _SOON_SECONDS)
    # Before the workspace was connected anew nothing counts.
    since = max(since, connection.state_changed_at)
    return [pk for pk, read_at in _read_at(connection).items() if read_at > since]


def _read_at(connection: Connection) -> dict[UUID, datetime]:
    """When each table was last read up to its newest edit."""
    tables = SyncedCollection.objects.filter(connection=connection).to_read()
    read = tables.exclude(watermark=None).exclude(last_read_at=None)
    return {pk: read_at for pk, read_at in read.values_list("pk", "last_read_at") if read_at is not None}


def is_polled(connection_id: UUID) -> bool:
    """Whether the connection is to be polled; it stays locked until the transaction ends."""
    connection = Connection.objects.select_for_update().filter(pk=connection_id).first()
    return connection is not None and connection.state == Connection.State.CONNECTED


def _have_pushes_go_on(connection_id: UUID) -> None:
    """Have what waits sent by a job; does nothing while one waits or runs.

    If it was given up (its workers were killed again and again), nobody would ask for another before the next edit.
    """
    wait = seconds_until_next(connection_id)
    if wait is not None:
        enqueue_pushes(connection_id, due_at=timezone.now() + timedelta(seconds=wait))


def ask_for_bodies(connection_id: UUID) -> None:
    """Have the texts of pages read that changed; inside a transaction."""
    stale = ExternalLink.objects.filter(connection_id=connection_id).with_stale_body()
    first = stale.order_by("body_due_at").values_list("body_due_at", flat=True).first()
    if first is not None:
        slot = f"bodies:{connection_id}"
        enqueue(BODIES_JOB, object_id=connection_id, due_at=first, slot=slot, priority=200)


def _starts_whole_reading(connection: Connection) -> bool:
    """Whether a run that reads everything is under way or has to be: then there is nothing to poll."""
    if SyncRun.objects.filter(connection=connection, kind__in=WHOLE_KINDS).open().exists():
        return True
    wanted = SyncedCollection.objects.filter(connection=connection).wanted()
    # A reading that failed is not repeated with every poll.
    lately = timezone.now() - PAUSE_AFTER_FAILURE
    failed = SyncRunCollection.objects.filter(run__connection=connection, run__created_at__gt=lately).filter(
        Q(state=SyncRunCollection.State.FAILED) | Q(run__state=SyncRun.State.FAILED)
    )
    unread = wanted.filter(watermark=None).exclude(state=SyncedCollection.State.UNREADABLE)
    if unread.exclude(pk__in=failed.values("collection_id")).exists():
        kind = SyncRun.Kind.IMPORT
    elif wanted.exists() and not failed.exists() and _is_full_check_due(connection):
        kind = SyncRun.Kind.FULL
    else:
        return False
    return system_run(connection=connection, kind=kind, trigger=SyncRun.Trigger.SCHEDULE) is not None


def _is_full_check_due(connection: Connection) -> bool:
    last = last_full_reading_at(connection)
    return last is None or last < timezone.now() - FULL_CHECK_EVERY


def _new_poll(connection: Connection, *, left_out: Sequence[UUID]) -> tuple[SyncRun, list[SyncRunCollection]]:
    """A run for changes that is saved with the first change; one that was broken off is closed.

    That is no failure: a poll begins where the last complete one ended, so this one does the same work.
    """
    left = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.POLL).open()
    left.update(
        state=SyncRun.State.CANCELLED,
        error="Interrupted; the next look took over.",
        finished_at=timezone.now(),
    )
    now = timezone.now()
    run = SyncRun(
        connection=connection,
        kind=SyncRun.Kind.POLL,
        trigger=SyncRun.Trigger.SCHEDULE,
        started_at=now,
        created_at=now,
    )
    collections = SyncedCollection.objects.filter(connection=connection).to_read().exclude(watermark=None)
    collections = collections.exclude(pk__in=left_out)
    parts = [
        SyncRunCollection(run=run, collection=item, place=place, since=item.watermark - OVERLAP)
        for place, item in enumerate(collections.order_by("-role", "title", "id"))
        if item.watermark is not None
    ]
    return run, parts
