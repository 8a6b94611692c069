"""Writes of sync runs: starting, cancelling, and looking for changes again and again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from integrations.models import Connection, SyncedCollection, SyncRun, SyncRunCollection
from tenants.accounts.access import SYSTEM, Actor, require
from tenants.dispatch import enqueue, schedule
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

RUN_JOB: Final = "integrations.run_sync"
POLL_JOB: Final = "integrations.poll_connection"
BODIES_JOB: Final = "integrations.read_bodies"
PUSH_JOB: Final = "integrations.push_changes"
UNSENT_JOB: Final = "integrations.find_unsent"
WHOLE_KINDS: Final = (SyncRun.Kind.IMPORT, SyncRun.Kind.FULL)
#: Runs with a job of their own, as has every run that somebody approved.
_WITH_JOB: Final = (*WHOLE_KINDS, SyncRun.Kind.DRY_RUN, SyncRun.Kind.UNDO)


@atomic
def start_sync_run(
    *,
    connection: Connection,
    actor: Actor,
    kind: str | None = None,
    trigger: str = SyncRun.Trigger.MANUAL,
    collections: Sequence[SyncedCollection] | None = None,
    accepts_disappearances: bool = False,
) -> SyncRun:
    """Start reading a connection in the background.

    Without `kind`: the first import of the collections never read to their end, else a full check of all.
    `accepts_disappearances`: many rows missing at once were really deleted there, so follow them.
    Raises: Forbidden, Conflict (not connected, nothing to read, or a run is under way).
    """
    require(actor, "integrations.sync", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if locked.state != Connection.State.CONNECTED:
        raise Conflict(f"This workspace cannot be read now: {locked.get_state_display().lower()}.")
    under_way = SyncRun.objects.filter(connection=locked, kind__in=WHOLE_KINDS).open().first()
    if under_way is not None:
        raise Conflict(
            "A sync run of this workspace is under way.",
            code="integrations.run_under_way",
            params={"run_id": str(under_way.pk)},
        )
    asking = SyncRun.objects.filter(connection=locked, held_for=SyncRun.Held.MASS_CHANGE)
    held = asking.exclude(kind=SyncRun.Kind.PUSH).open().first()
    if held is not None:
        raise Conflict(
            "A run of this workspace waits for your decision: look at it first.",
            code="integrations.run_held",
            params={"run_id": str(held.pk)},
        )
    wanted = list(SyncedCollection.objects.filter(connection=locked).wanted().order_by("role", "title", "id"))
    unread = [item for item in wanted if item.watermark is None]
    if kind is None:
        kind = SyncRun.Kind.IMPORT if unread else SyncRun.Kind.FULL
    chosen = collections if collections is not None else (unread if kind == SyncRun.Kind.IMPORT else wanted)
    if not chosen:
        raise Conflict(
            "There is nothing to read: share a database with the integration and confirm its mapping.",
            code="integrations.nothing_to_read",
        )
    known_rows = [item.row_count for item in chosen if item.row_count is not None]
    run = SyncRun.objects.create(
        connection=locked,
        kind=kind,
        # The service does not count its rows; the last complete reading is the best guess there is.
        total=sum(known_rows) if len(known_rows) == len(chosen) else None,
        trigger=trigger,
        accepts_disappearances=accepts_disappearances,
        started_by_id=actor.user_id,
    )
    SyncRunCollection.objects.bulk_create(
        SyncRunCollection(run=run, collection=item, place=place) for place, item in enumerate(chosen)
    )
    enqueue_run(run)
    log.info("sync.run_started", run_id=run.pk, connection_id=locked.pk, kind=kind, trigger=trigger)
    return run


@atomic
def cancel_run(*, run: SyncRun, actor: Actor) -> SyncRun:
    """Stop a run at its next step; what it has read stays. Raises: Forbidden, Conflict (it has ended)."""
    require(actor, "integrations.sync", on=run.connection)
    locked = SyncRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not locked.is_open:
        raise Conflict("This run has ended already.", code="integrations.run_ended")
    if locked.held_for:
        raise Conflict("This run waits for a decision: approve or refuse it.", code="integrations.run_held")
    locked.is_cancel_requested = True
    if locked.state != SyncRun.State.RUNNING:
        # Nobody works on it, so nobody would notice.
        locked.state, locked.finished_at = SyncRun.State.CANCELLED, timezone.now()
    else:
        # Its worker may be gone for good; then this brings one that notices.
        enqueue_run(locked)
    locked.save(update_fields=["is_cancel_requested", "state", "finished_at", "updated_at"])
    return locked


def schedule_polls(connection: Connection) -> None:
    """Look for changes again and again, from now on; inside a transaction. Safe to repeat."""
    seconds = connection.poll_seconds or settings.SYNC_POLL_SECONDS
    schedule(
        POLL_JOB, every=timedelta(seconds=seconds), object_id=connection.pk, slot=f"poll:{connection.pk}"
    )


def enqueue_run(run: SyncRun) -> None:
    """Have a worker go on with a run; does nothing while one is about to. Inside a transaction."""
    enqueue(RUN_JOB, object_id=run.pk, slot=f"run:{run.pk}", priority=60)


def enqueue_pushes(
    connection_id: UUID, *, due_at: datetime | None = None, priority: int = 30, name: str = "push"
) -> None:
    """Have a worker send what is to be written there; does nothing while one is about to. Inside a transaction.

    `name` tells those apart that do not wait for each other.
    """
    slot = f"{name}:{connection_id}"
    enqueue(PUSH_JOB, object_id=connection_id, due_at=due_at, slot=slot, priority=priority)


def enqueue_unsent(connection_id: UUID, *, scope: str) -> None:
    """Have what is different here and was never sent found; inside a transaction. Safe to repeat.

    `scope`: `all` compares every task, `edited` those edited since their record was read, `reconnected` waits for the
    first reading, then compares all and what was made or archived meanwhile.
    """
    # A mapping that changes while an earlier one is still looked at counts as well.
    slot = None if scope == "all" else f"unsent-{scope}:{connection_id}"
    enqueue(UNSENT_JOB, object_id=connection_id, payload={"scope": scope}, slot=slot, priority=100)


def wake(connection: Connection) -> None:
    """Let polls, runs and pushes that were stopped go on."""
    schedule_polls(connection)
    enqueue_pushes(connection.pk)
    have_runs_go_on(connection)


def have_runs_go_on(connection: Connection) -> None:
    """Have a worker go on with every run that has a job of its own and waits for nobody; inside a transaction.

    Does nothing for those whose job waits or runs. If that was given up, nobody else would ever go on with the run.
    """
    runs = SyncRun.objects.filter(connection=connection, held_for=SyncRun.Held.NO).exclude(
        kind=SyncRun.Kind.PUSH
    )
    for run in runs.filter(Q(kind__in=_WITH_JOB) | Q(is_approved=True)).open():
        enqueue_run(run)


def system_run(*, connection: Connection, kind: str, trigger: str) -> SyncRun | None:
    """Start a run that nobody asked for; None when one is under way or there is nothing to read."""
    try:
        return start_sync_run(connection=connection, actor=SYSTEM, kind=kind, trigger=trigger)
    except Conflict as conflict:
        log.info("sync.run_not_started", connection_id=connection.pk, reason=conflict.code)
        return None
