"""The brake of what is sent: unusually many changes made here wait until somebody has looked at them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, QuerySet
from django.utils import timezone

from integrations.models import Connection, ExternalLink, Push, SyncChange, SyncRun
from integrations.services import enqueue_pushes
from integrations.sync.differences import mappings_of
from integrations.sync.safety.brake import FLOOR, is_mass
from integrations.sync.safety.rehearsal import MOST_SHOWN, Rehearsal, planned_change
from integrations.sync.session import SyncSession
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: New records there are no change of any.
_CHANGING: Final = (Push.Kind.UPDATE, Push.Kind.TRASH, Push.Kind.RESTORE)
_ON_THEIR_WAY: Final = (Push.State.WAITING, Push.State.SENDING, Push.State.AMBIGUOUS)
_AT_ONCE: Final = 1000
_COUNTED: Final = ("kind", "collection", "link", "task__title")
#: What a run says that somebody has refused.
REFUSED: Final = "Refused: nothing of the plan was written."
_SENTENCE: Final = "Unusually many records would change there. Nothing of it is sent until you decide."


def hold_unusual(session: SyncSession) -> SyncRun | None:
    """Hold what waits to be sent where it is unusually much; None when it may go, or somebody has let it go.

    Tasks that turn out to be in step do not count. Call it outside a transaction, under the lease: comparing takes
    a transaction of its own, and the one that holds is short. Raises: LeaseLost.
    """
    with atomic():
        unusual = _unusual(session.connection.pk)
        if not unusual:
            return None
        rows = _waiting(session.connection.pk).filter(collection__in=unusual).order_by("pk")
        shown = list(rows.select_related("task", "link").defer("task__description")[:MOST_SHOWN])
        # Nobody reads further: they are counted as what they are, and compared when they are sent.
        others = list(rows.select_related("task").only(*_COUNTED)[MOST_SHOWN:])
        run = _new_run(session.connection)
        rehearsal = Rehearsal(mappings_of(session.connection, unusual))
        planned = rehearsal.outgoing(session.connection, run, shown)
        planned += [planned_change(run, push, {}) for push in others]
        differing = _still_unusual(planned)
    if not differing:
        return None
    kept = [change for change in planned if change.collection_id in differing]
    tasks = {change.task_id for change in kept}
    push_ids = [push.pk for push in (*shown, *others) if push.task_id in tasks]
    return _hold(session, run, rehearsal, kept, push_ids)


@atomic
def _hold(
    session: SyncSession,
    run: SyncRun,
    rehearsal: Rehearsal,
    planned: Sequence[SyncChange],
    push_ids: Sequence[UUID],
) -> SyncRun:
    session.hold()
    run.save(force_insert=True)
    held = 0
    for start in range(0, len(push_ids), _AT_ONCE):
        rows = Push.objects.filter(pk__in=push_ids[start : start + _AT_ONCE], state=Push.State.WAITING)
        # In the order of whoever asks for pushes.
        locked = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        held += Push.objects.filter(pk__in=locked).update(state=Push.State.HELD, held_by_id=run.pk)
    rehearsal.keep(replace(session, run=run, parts=[]), planned)
    log.warning("push.held", run_id=run.pk, connection_id=run.connection_id, records=held)
    return run


def let_go(run: SyncRun) -> None:
    """Send what was held by a run; it ends when all of it is sent. Inside a transaction."""
    held = Push.objects.filter(held_by_id=run.pk, state=Push.State.HELD)
    held.update(state=Push.State.WAITING, not_before=timezone.now())
    enqueue_pushes(run.connection_id)


def send_nothing(run: SyncRun) -> None:
    """Forget what a run held: it stays here, and goes along with the next edit of each task. Inside a transaction.

    A full check asks about them again only once they were edited anew; its plan tells which they were.
    """
    Push.objects.filter(held_by_id=run.pk, state=Push.State.HELD).delete()


def allow_sending(undo: SyncRun) -> SyncRun | None:
    """Somebody has asked for just what an undo is about to send, however much it is. Inside a transaction."""
    undone = SyncChange.objects.filter(run=undo, is_planned=False).values("task_id")
    rows = _waiting(undo.connection_id).filter(task_id__in=undone)
    if not rows.exists():
        return None
    run = SyncRun.objects.create(
        connection_id=undo.connection_id,
        kind=SyncRun.Kind.PUSH,
        trigger=SyncRun.Trigger.MANUAL,
        state=SyncRun.State.QUEUED,
        is_approved=True,
    )
    rows.update(held_by_id=run.pk)
    return run


@atomic
def close_what_was_let_go(connection_id: UUID) -> None:
    """End runs whose changes have all been sent, or were refused there."""
    runs = _let_go(connection_id)
    if not runs.exists():
        return
    left = Push.objects.filter(connection_id=connection_id, state__in=_ON_THEIR_WAY).exclude(held_by_id=None)
    now = timezone.now()
    runs.exclude(pk__in=left.values("held_by_id")).update(
        state=SyncRun.State.SUCCEEDED, phase=SyncRun.Phase.FINISHED, finished_at=now
    )


def _new_run(connection: Connection) -> SyncRun:
    return SyncRun(
        connection=connection,
        kind=SyncRun.Kind.PUSH,
        trigger=SyncRun.Trigger.EDIT,
        state=SyncRun.State.WAITING,
        held_for=SyncRun.Held.MASS_CHANGE,
        error=_SENTENCE,
    )


def _unusual(connection_id: UUID) -> set[UUID]:
    """The collections for which unusually much waits that nobody has decided about."""
    counts = _waiting(connection_id).order_by().values("collection_id").annotate(number=Count("pk"))
    return _too_much({row["collection_id"]: row["number"] for row in counts})


def _still_unusual(planned: Sequence[SyncChange]) -> set[UUID]:
    return _too_much(Counter(change.collection_id for change in planned if change.collection_id is not None))


def _too_much(counts: Mapping[UUID, int]) -> set[UUID]:
    return {pk for pk, number in counts.items() if number > FLOOR and is_mass(number, _linked(pk))}


def _let_go(connection_id: UUID) -> QuerySet[SyncRun]:
    runs = SyncRun.objects.filter(connection_id=connection_id, kind=SyncRun.Kind.PUSH, is_approved=True)
    return runs.open()


def _waiting(connection_id: UUID) -> QuerySet[Push]:
    """Changes nobody has decided about; what a run has let go is decided as long as that run is open."""
    rows = Push.objects.filter(connection_id=connection_id, state=Push.State.WAITING, kind__in=_CHANGING)
    decided = rows.filter(held_by_id__in=_let_go(connection_id).values("pk"))
    return rows.exclude(pk__in=decided.values("pk"))


def _linked(collection_id: UUID) -> int:
    return ExternalLink.objects.filter(collection_id=collection_id, task__isnull=False).count()
