"""How long what is told of runs, calls, events and conflicts is kept, and never less than the newest runs."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from django.db.models import Model, QuerySet
from django.utils import timezone

from integrations.models import Conflict, Connection, SyncChange, SyncRun, WorkspaceDescription
from integrations.sync.events.dirty_set import forget_old_events
from integrations.sync.tally import prune_tallies
from tenants.dispatch import schedule
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

KEEPING_JOB: Final = "integrations.forget_history"
EVERY: Final = timedelta(days=1)

KEPT_FOR: Final = timedelta(days=90)
TALLIES_KEPT_FOR: Final = timedelta(days=35)
EVENTS_KEPT_FOR: Final = timedelta(days=14)
#: Conflicts that were decided; open ones wait for a person, however long.
CONFLICTS_KEPT_FOR: Final = timedelta(days=180)
#: However old they are: whoever looks at a quiet workspace sees what happened last.
KEPT_AT_LEAST: Final = 50
DESCRIPTIONS_KEPT: Final = 100
#: At most so many runs, and rows of other kinds, in one transaction.
AT_ONCE: Final = 50
ROWS_AT_ONCE: Final = 5_000


def keep_history_short() -> None:
    """Have what is old forgotten every day, for all connections of the company; inside a transaction, safe to repeat.

    Not a matter of the runs: a connection that is paused or gone has none, and leaves a history all the same.
    """
    schedule(KEEPING_JOB, every=EVERY, slot="forget-history", priority=300)


def forget_history(*, heartbeat: Callable[[], None]) -> bool:
    """Forget what is old, in small transactions, until nothing old is left; False when there is no connection at all.

    Call it outside a transaction. Safe to repeat, and to break off.
    """
    with atomic():
        connections = list(Connection.objects.order_by("pk"))
    for connection in connections:
        _repeat(partial(forget_old_runs, connection), AT_ONCE, heartbeat)
        _repeat(partial(_forget_old_events, connection), 1, heartbeat)
        _repeat(partial(_forget_descriptions, connection), ROWS_AT_ONCE, heartbeat)
    _repeat(_forget_conflicts, ROWS_AT_ONCE, heartbeat)
    with atomic():
        prune_tallies(before=timezone.now() - TALLIES_KEPT_FOR)
    return bool(connections)


@atomic
def forget_old_runs(connection: Connection) -> int:
    """Forget some runs that ended long ago, with their logs, problems and changes; returns how many went.

    What a forgotten run changed cannot be undone as a run any more. A run with very many changes loses those first,
    some in each transaction; it counts as one that went, so that whoever repeats this comes to its end.
    """
    runs = SyncRun.objects.filter(connection=connection)
    newest = list(runs.order_by("-id").values_list("pk", flat=True)[:KEPT_AT_LEAST])
    ended = runs.filter(finished_at__lt=timezone.now() - KEPT_FOR).exclude(state__in=SyncRun.OPEN_STATES)
    old = list(ended.exclude(pk__in=newest).order_by("id").values_list("pk", flat=True)[:AT_ONCE])
    if not old:
        return 0
    if _delete_some(SyncChange.objects.filter(run__in=old).order_by("pk")) < ROWS_AT_ONCE:
        SyncRun.objects.filter(pk__in=old).delete()
        log.info("sync.history_forgotten", connection_id=connection.pk, runs=len(old))
        return len(old)
    return AT_ONCE


@atomic
def _forget_old_events(connection: Connection) -> int:
    return forget_old_events(connection, before=timezone.now() - EVENTS_KEPT_FOR)


@atomic
def _forget_descriptions(connection: Connection) -> int:
    versions = WorkspaceDescription.objects.filter(connection=connection).order_by("-version")
    kept = list(versions.values_list("pk", flat=True)[:DESCRIPTIONS_KEPT])
    return _delete_some(versions.exclude(pk__in=kept))


@atomic
def _forget_conflicts() -> int:
    decided = Conflict.objects.exclude(state=Conflict.State.OPEN)
    return _delete_some(
        decided.filter(updated_at__lt=timezone.now() - CONFLICTS_KEPT_FOR).order_by("updated_at")
    )


def _delete_some[Row: Model](rows: QuerySet[Row]) -> int:
    ids = list(rows.values_list("pk", flat=True)[:ROWS_AT_ONCE])
    rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)


def _repeat(piece: Callable[[], int], full: int, heartbeat: Callable[[], None]) -> None:
    """Delete piece by piece until one was not full."""
    while piece() >= full:
        heartbeat()
