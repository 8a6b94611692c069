"""What somebody says about a run that is held: it is right, or nothing of it is to be written."""

import structlog
from django.utils import timezone

from integrations.models import Connection, SyncChange, SyncedCollection, SyncRun, SyncRunCollection
from integrations.services import enqueue_run
from integrations.sync.reading import OVERLAP
from integrations.sync.safety.brake import approved_numbers
from integrations.sync.safety.outgoing import REFUSED, let_go, send_nothing
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


@atomic
def approve_run(*, run: SyncRun, actor: Actor) -> SyncRun:
    """The plan is right: the run goes on from where it was held, and asks again only beyond what the plan said.

    Raises: Forbidden, Conflict (it is not held, or its workspace is not read now).
    """
    locked = _locked(run, actor)
    connection = locked.connection
    if connection.state != Connection.State.CONNECTED:
        raise Conflict(f"This workspace is {connection.get_state_display().lower()}: resume it first.")
    locked.plan = (locked.plan or {}) | {"approved": approved_numbers(locked)}
    locked.is_approved, locked.held_for, locked.error = True, SyncRun.Held.NO, ""
    locked.state = SyncRun.State.QUEUED
    if locked.kind == SyncRun.Kind.EVENTS:
        _look_instead(locked)
    locked.save()
    # They come true now, and are written down as they do.
    SyncChange.objects.filter(run=locked, is_planned=True).delete()
    if locked.kind == SyncRun.Kind.PUSH:
        let_go(locked)
    else:
        enqueue_run(locked)
    log.info("sync.run_approved", run_id=locked.pk, by=actor.user_id)
    return locked


@atomic
def refuse_run(*, run: SyncRun, actor: Actor) -> SyncRun:
    """Nothing of the plan is written. The workspace is paused: else the next look would find the same again.

    Where changes of ours were held, they are not sent and go along with the next edit of each task; nothing is paused.

    Raises: Forbidden, Conflict (it is not held).
    """
    locked = _locked(run, actor)
    now = timezone.now()
    locked.state, locked.held_for = SyncRun.State.CANCELLED, SyncRun.Held.NO
    locked.error, locked.finished_at = REFUSED, now
    locked.save()
    if locked.kind == SyncRun.Kind.PUSH:
        send_nothing(locked)
        return locked
    Connection.objects.filter(pk=locked.connection_id, state=Connection.State.CONNECTED).update(
        state=Connection.State.PAUSED,
        state_reason="Paused because many changes were refused. Put things right there, then resume.",
        state_changed_at=now,
    )
    log.info("sync.run_refused", run_id=locked.pk, by=actor.user_id)
    return locked


def _locked(run: SyncRun, actor: Actor) -> SyncRun:
    require(actor, "integrations.sync", on=run.connection)
    Connection.objects.select_for_update().get(pk=run.connection_id)
    locked = SyncRun.objects.select_for_update(of=("self",)).select_related("connection").get(pk=run.pk)
    if locked.held_for != SyncRun.Held.MASS_CHANGE or not locked.is_open:
        raise Conflict("This run does not wait for a decision.", code="integrations.run_not_held")
    return locked


def _look_instead(run: SyncRun) -> None:
    """Events told of the changes; a look for changes finds the same ones, and it can be repeated."""
    run.kind = SyncRun.Kind.POLL
    run.phase = SyncRun.Phase.QUEUED
    SyncRunCollection.objects.filter(run=run).delete()
    collections = (
        SyncedCollection.objects.filter(connection_id=run.connection_id).to_read().exclude(watermark=None)
    )
    SyncRunCollection.objects.bulk_create(
        SyncRunCollection(run=run, collection=item, place=place, since=item.watermark - OVERLAP)
        for place, item in enumerate(collections.order_by("-role", "title", "id"))
        if item.watermark is not None
    )
