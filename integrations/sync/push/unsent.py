"""Finds what is different here and was never sent: edited while nobody was connected, or while nothing was sent."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import structlog
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from integrations.models import Connection, ExternalLink, Push, SyncChange, SyncedCollection, SyncRun
from integrations.sync.differences import BATCH, Compared, differences, mappings_of
from integrations.sync.push.requests import request_push
from integrations.sync.safety.outgoing import REFUSED
from tasks.models import Task
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Until a workspace that was connected anew has been read.
_LOOK_AGAIN_SECONDS = 10.0


class Scope(StrEnum):
    """Which tasks are compared: all, those edited since their record was read, or all of a workspace that is back."""

    ALL = "all"
    EDITED = "edited"
    RECONNECTED = "reconnected"


def request_unsent(*, connection_id: UUID, scope: Scope, heartbeat: Callable[[], None]) -> int:
    """Ask for a push of each live task that differs from its record there; returns how many.

    A batch at a time, each in a transaction of its own; makes no call. Tasks in step get no row, so that the brake
    counts changes. A workspace that is back is read first: what somebody changed there meanwhile is merged, not
    overwritten. Call it outside a transaction; safe to repeat. Raises: LimitReached (it is not read yet).
    """
    with atomic():
        connection = Connection.objects.working().filter(pk=connection_id).first()
        if connection is None:
            return 0
        wanted = SyncedCollection.objects.filter(connection=connection, role=SyncedCollection.Role.TASKS)
        collection_ids = list(wanted.wanted().order_by("pk").values_list("pk", flat=True))
        if not collection_ids:
            return 0
        if scope is Scope.RECONNECTED and not _is_read_since(connection):
            raise LimitReached("The workspace is read first.", retry_after_seconds=_LOOK_AGAIN_SECONDS)
    found = 0
    for collection_id in collection_ids:
        found += _of_collection(connection, collection_id, scope, heartbeat)
    if scope is Scope.RECONNECTED:
        found += _made_or_put_away(connection, heartbeat)
    log.info("push.unsent_found", connection_id=connection_id, scope=scope.value, tasks=found)
    return found


def _is_read_since(connection: Connection) -> bool:
    at = connection.last_polled_at
    return at is not None and at >= connection.state_changed_at


def _of_collection(
    connection: Connection, collection_id: UUID, scope: Scope, heartbeat: Callable[[], None]
) -> int:
    found, last = 0, None
    while True:
        heartbeat()
        with atomic():
            links = _next_links(collection_id, scope, last)
            if not links:
                return found
            mapping = mappings_of(connection, [collection_id])[collection_id]
            compared = [Compared(link.task_id, link) for link in links if link.task_id is not None]
            differing = list(differences(connection, collection_id, mapping, compared))
            if differing:
                found += request_push(task_ids=differing, is_interactive=False)
            last = links[-1].pk


def _next_links(collection_id: UUID, scope: Scope, last: UUID | None) -> Sequence[ExternalLink]:
    """The next records of live tasks about which no push is noted already."""
    links = ExternalLink.objects.filter(
        collection_id=collection_id,
        state=ExternalLink.State.CLEAN,
        task__archived_at=None,
        task__isnull=False,
    ).exclude(Exists(Push.objects.filter(link=OuterRef("pk"))))
    if scope is Scope.EDITED:
        links = links.filter(Q(synced_at=None) | Q(task__updated_at__gt=F("synced_at")))
        links = links.exclude(Exists(_refused()))
    if last is not None:
        links = links.filter(pk__gt=last)
    return list(links.order_by("pk")[:BATCH])


def _refused() -> QuerySet[SyncChange]:
    """What somebody has said is not to be sent, and nobody has edited since: it is not asked about every night."""
    return SyncChange.objects.filter(
        task_id=OuterRef("task_id"),
        collection=OuterRef("collection"),
        is_planned=True,
        side=SyncChange.Side.THERE,
        run__kind=SyncRun.Kind.PUSH,
        run__state=SyncRun.State.CANCELLED,
        run__error=REFUSED,
        run__finished_at__gt=OuterRef("task__updated_at"),
    )


def _made_or_put_away(connection: Connection, heartbeat: Callable[[], None]) -> int:
    """Tasks made, archived or brought back while nobody was connected: as if it had been done just now."""
    with atomic():
        since = _last_contact(connection)
    if since is None:
        return 0
    found, last = 0, None
    while True:
        heartbeat()
        with atomic():
            tasks = _touched(connection, since)
            if last is not None:
                tasks = tasks.filter(pk__gt=last)
            ids = list(tasks.order_by("pk").values_list("pk", flat=True)[:BATCH])
            if not ids:
                return found
            found += request_push(task_ids=ids, is_interactive=False)
            last = ids[-1]


def _touched(connection: Connection, since: datetime) -> QuerySet[Task]:
    links = ExternalLink.objects.filter(task=OuterRef("pk"))
    own = links.filter(connection=connection)
    is_put_away = Q(Exists(own.filter(state=ExternalLink.State.CLEAN)), archived_at__gt=since)
    is_brought_back = Q(Exists(own.filter(state=ExternalLink.State.TRASHED_REMOTE)), archived_at=None)
    is_new = Q(~Exists(links), archived_at=None, created_at__gt=since)
    return Task.objects.filter(is_put_away | is_brought_back | is_new, updated_at__gt=since)


def _last_contact(connection: Connection) -> datetime | None:
    """When a run last ended before the workspace was connected anew; None when nobody knows."""
    ended = SyncRun.objects.filter(connection=connection, finished_at__lt=connection.state_changed_at)
    return (
        ended.filter(state__in=[SyncRun.State.SUCCEEDED, SyncRun.State.PARTIAL])
        .order_by("-finished_at")
        .values_list("finished_at", flat=True)
        .first()
    )
