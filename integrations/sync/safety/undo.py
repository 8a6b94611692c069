"""Takes back what one run has changed, newest change first, as far as nobody has changed it since."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from integrations.events import SyncRunFinished
from integrations.models import Connection, SyncChange, SyncRun
from integrations.services import WHOLE_KINDS, enqueue_run
from integrations.sync.journal import Counts, Journal
from integrations.sync.leases import give_back_lease, keep_lease, take_lease
from integrations.sync.links import lock_tasks
from integrations.sync.problems import Problem
from integrations.sync.safety.outgoing import allow_sending
from integrations.sync.safety.undoing import Undone, take_back
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict
from tenants.foundation.ids import uuid7
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: So many changes at a time: between two batches people's edits and other workers get their turn.
_BATCH: Final = 25
_NOT_UNDONE: Final = (SyncRun.Kind.DRY_RUN, SyncRun.Kind.BODIES)


def undoable_changes(run: SyncRun) -> QuerySet[SyncChange]:
    """What a run has changed and nobody has taken back."""
    return SyncChange.objects.filter(run=run, is_planned=False, undone_at=None)


@atomic
def start_undo(*, run: SyncRun, actor: Actor) -> SyncRun:
    """Start taking back in the background what a run has changed, here and there.

    Raises: Forbidden, Conflict (it has not ended, has changed nothing, or another run is under way).
    """
    require(actor, "integrations.sync", on=run.connection)
    connection = Connection.objects.select_for_update().get(pk=run.connection_id)
    if run.is_open:
        raise Conflict("This run has not ended yet. Cancel it first.", code="integrations.run_under_way")
    if run.kind in _NOT_UNDONE or not undoable_changes(run).exists():
        raise Conflict("There is nothing to take back.", code="integrations.nothing_to_undo")
    under_way = SyncRun.objects.filter(
        connection=connection, kind__in=[*WHOLE_KINDS, SyncRun.Kind.UNDO]
    ).open()
    if (other := under_way.first()) is not None:
        raise Conflict(
            "Another run of this workspace is under way.",
            code="integrations.run_under_way",
            params={"run_id": str(other.pk)},
        )
    undo = SyncRun.objects.create(
        connection=connection,
        kind=SyncRun.Kind.UNDO,
        trigger=SyncRun.Trigger.MANUAL,
        undoes_id=run.pk,
        total=undoable_changes(run).count(),
        started_by_id=actor.user_id,
    )
    enqueue_run(undo)
    log.info("sync.undo_started", run_id=undo.pk, undoes=run.pk)
    return undo


def carry_out_undo(run: SyncRun, *, heartbeat: Callable[[], None]) -> None:
    """Take back what is left to take back; whatever interrupts it, the next worker goes on.

    Makes no call: what has to change there is sent like any edit. Raises: LimitReached, LeaseLost.
    """
    lease = take_lease(run.connection_id)
    try:
        _begin(run)
        journal = Journal(run)
        last: UUID | None = None
        while True:
            heartbeat()
            with atomic():
                keep_lease(run.connection_id, lease)
                if SyncRun.objects.filter(pk=run.pk, is_cancel_requested=True).exists():
                    _end(run, SyncRun.State.CANCELLED)
                    return
                batch = _batch(run, last)
                if not batch:
                    _finish(run, journal)
                    return
                _take_back(run, journal, batch)
                last = batch[-1].pk
    finally:
        give_back_lease(run.connection_id, lease)


def _begin(run: SyncRun) -> None:
    run.state, run.phase = SyncRun.State.RUNNING, SyncRun.Phase.RECORDS
    run.started_at = run.started_at or timezone.now()
    with atomic():
        run.save(update_fields=["state", "phase", "started_at", "updated_at"])


def _batch(run: SyncRun, last: UUID | None) -> list[SyncChange]:
    changes = SyncChange.objects.filter(run_id=run.undoes_id, is_planned=False, undone_at=None)
    if last is not None:
        changes = changes.filter(pk__lt=last)
    return list(changes.select_related("collection").order_by("-id")[:_BATCH])


def _take_back(run: SyncRun, journal: Journal, batch: list[SyncChange]) -> None:
    counts = Counts(done=len(batch))
    # All at once and in one order; one after the other, newest change first, would cross others' way.
    lock_tasks({change.task_id for change in batch if change.task_id is not None})
    for change in batch:
        undone = take_back(change)
        if undone.is_anything:
            change.undone_at = timezone.now()
            change.save(update_fields=["undone_at"])
            _write_down(run, change, undone)
            counts.changed += 1
        else:
            counts.unchanged += 1
        if undone.problem:
            problem = Problem(
                undone.code, undone.problem, title=change.title, remote_id=str(change.link_id or "")
            )
            journal.note(problem, change.collection)
    journal.progress(counts, calls=0)
    journal.flush()


def _write_down(run: SyncRun, change: SyncChange, undone: Undone) -> None:
    """An undo can be undone as well."""
    SyncChange.objects.create(
        id=uuid7(),
        run=run,
        collection=change.collection,
        link_id=change.link_id,
        task_id=change.task_id,
        title=change.title,
        side=SyncChange.Side.HERE,
        action=undone.action,
        fields=undone.fields,
    )


def _finish(run: SyncRun, journal: Journal) -> None:
    journal.say(f"Taken back: {run.changed}. Left as it is: {run.unchanged}.")
    _end(run, SyncRun.State.SUCCEEDED)
    allow_sending(run)
    publish(SyncRunFinished(run_id=run.pk, connection_id=run.connection_id, state=run.state))


def _end(run: SyncRun, state: str) -> None:
    run.state, run.phase, run.finished_at = state, SyncRun.Phase.FINISHED, timezone.now()
    run.save(update_fields=["state", "phase", "finished_at", "updated_at"])
