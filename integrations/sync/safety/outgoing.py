"""The brake of what is sent: unusually many changes made here wait until somebody has looked at them."""

from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, QuerySet
from django.utils import timezone

from integrations.models import Connection, ExternalLink, FieldMapping, Push, SyncedCollection, SyncRun
from integrations.services import enqueue_pushes
from integrations.sync.safety.brake import FLOOR, is_mass
from integrations.sync.safety.rehearsal import Rehearsal
from integrations.sync.session import SyncSession
from integrations.sync.stored_mapping import collection_mapping
from integrations.sync.translate import CollectionMapping
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: New records there are no change of any.
_CHANGING: Final = (Push.Kind.UPDATE, Push.Kind.TRASH, Push.Kind.RESTORE)
_SENTENCE: Final = "Unusually many records would change there. Nothing of it is sent until you decide."


@atomic
def hold_unusual(session: SyncSession) -> SyncRun | None:
    """Hold what waits to be sent where it is unusually much; None when it may go, or somebody has let it go."""
    connection = session.connection
    waiting = _waiting(connection.pk)
    counts = list(waiting.order_by().values("collection_id").annotate(number=Count("pk")))
    if not any(row["number"] > FLOOR for row in counts):
        return None
    unusual = [
        row["collection_id"] for row in counts if is_mass(row["number"], _linked(row["collection_id"]))
    ]
    if not unusual or _is_let_go(connection.pk):
        return None
    session.hold()
    held = list(waiting.filter(collection__in=unusual).select_for_update(of=("self",)).order_by("pk"))
    run = SyncRun.objects.create(
        connection=connection,
        kind=SyncRun.Kind.PUSH,
        trigger=SyncRun.Trigger.EDIT,
        state=SyncRun.State.WAITING,
        held_for=SyncRun.Held.MASS_CHANGE,
        error=_SENTENCE,
    )
    Push.objects.filter(pk__in=[push.pk for push in held]).update(state=Push.State.HELD)
    rehearsal = Rehearsal(_mappings(connection, unusual))
    rehearsal.keep(replace(session, run=run, parts=[]), rehearsal.outgoing(session.connection, run, held))
    log.warning("push.held", run_id=run.pk, connection_id=connection.pk, records=len(held))
    return run


def let_go(run: SyncRun) -> None:
    """Send what was held by a run; it ends when all of it is sent. Inside a transaction."""
    held = Push.objects.filter(connection_id=run.connection_id, state=Push.State.HELD)
    held.update(state=Push.State.WAITING, not_before=timezone.now())
    enqueue_pushes(run.connection_id)


def send_nothing(run: SyncRun) -> None:
    """Forget what was held: it stays here, and goes along with the next edit of each task. Inside a transaction."""
    Push.objects.filter(connection_id=run.connection_id, state=Push.State.HELD).delete()


def allow_sending(connection: Connection) -> SyncRun | None:
    """Somebody has asked for just what is about to be sent, however much it is. Inside a transaction."""
    if not _waiting(connection.pk).exists():
        return None
    return SyncRun.objects.create(
        connection=connection,
        kind=SyncRun.Kind.PUSH,
        trigger=SyncRun.Trigger.MANUAL,
        state=SyncRun.State.QUEUED,
        is_approved=True,
    )


def _is_let_go(connection_id: UUID) -> bool:
    return _let_go(connection_id).exists()


@atomic
def close_what_was_let_go(connection_id: UUID) -> None:
    """End runs whose changes have all been sent."""
    runs = _let_go(connection_id)
    if runs.exists() and not _waiting(connection_id).exists():
        now = timezone.now()
        runs.update(state=SyncRun.State.SUCCEEDED, phase=SyncRun.Phase.FINISHED, finished_at=now)


def _let_go(connection_id: UUID) -> QuerySet[SyncRun]:
    runs = SyncRun.objects.filter(connection_id=connection_id, kind=SyncRun.Kind.PUSH, is_approved=True)
    return runs.open()


def _waiting(connection_id: UUID) -> QuerySet[Push]:
    rows = Push.objects.filter(connection_id=connection_id, state=Push.State.WAITING, kind__in=_CHANGING)
    return rows.select_related("task", "link")


def _linked(collection_id: UUID) -> int:
    return ExternalLink.objects.filter(collection_id=collection_id, task__isnull=False).count()


def _mappings(connection: Connection, collection_ids: list[UUID]) -> dict[UUID, CollectionMapping]:
    rows = list(FieldMapping.objects.filter(collection__in=collection_ids))
    return {
        item.pk: collection_mapping(
            item, [row for row in rows if row.collection_id == item.pk], source=connection.name
        )
        for item in SyncedCollection.objects.filter(pk__in=collection_ids)
    }
