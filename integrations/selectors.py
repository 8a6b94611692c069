"""Reads of connections and sync runs, as far as the reader may see them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from integrations.models import (
    Connection,
    ExternalLink,
    FieldMapping,
    SyncChange,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
    SyncRunLog,
)
from tenants.accounts.access import Actor, can, require
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic


def visible_connections(*, actor: Actor) -> QuerySet[Connection]:
    """The connections of the company, disconnected ones left out."""
    if not can(actor, "integrations.view"):
        return Connection.objects.none()
    return Connection.objects.present()


def connection_for(*, actor: Actor, connection_id: UUID) -> Connection:
    """One connection. Raises: NotFound."""
    found = visible_connections(actor=actor).filter(pk=connection_id).first()
    if found is None:
        raise NotFound("There is no such workspace.")
    return found


def collections_of(*, actor: Actor, connection: Connection) -> QuerySet[SyncedCollection]:
    """The collections of a connection with their mappings, and how many of their records are where."""
    require(actor, "integrations.view")
    return (
        SyncedCollection.objects.filter(connection=connection)
        .select_related("connection")
        .prefetch_related(Prefetch("mappings", FieldMapping.objects.order_by("our_field")))
        .annotate(
            task_count=Count("links", filter=Q(links__task__isnull=False)),
            set_aside_count=Count("links", filter=Q(links__state=ExternalLink.State.QUARANTINED)),
            lost_count=Count("links", filter=Q(links__state=ExternalLink.State.ACCESS_LOST)),
        )
    )


def collection_for(*, actor: Actor, collection_id: UUID) -> SyncedCollection:
    """One collection with its mappings. Raises: NotFound."""
    if not can(actor, "integrations.view"):
        raise NotFound("There is no such database.")
    found = (
        SyncedCollection.objects.filter(pk=collection_id)
        .exclude(connection__state=Connection.State.DISCONNECTED)
        .select_related("connection")
        .prefetch_related("mappings")
        .first()
    )
    if found is None:
        raise NotFound("There is no such database.")
    return found


def visible_sync_runs(*, actor: Actor) -> QuerySet[SyncRun]:
    """The runs of the company, newest first, with their connections."""
    if not can(actor, "integrations.view"):
        return SyncRun.objects.none()
    return SyncRun.objects.select_related("connection").order_by("-id")


def sync_run_for(*, actor: Actor, run_id: UUID) -> SyncRun:
    """One run with its parts and issues. Raises: NotFound."""
    parts = SyncRunCollection.objects.select_related("collection").order_by("place", "id")
    runs = visible_sync_runs(actor=actor).prefetch_related(
        Prefetch("collections", parts), "issues__collection"
    )
    found = runs.filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such sync run.")
    return found


def link_of_task(*, task_id: UUID) -> ExternalLink | None:
    """Where a task came from; None when it was made here."""
    links = ExternalLink.objects.filter(task_id=task_id).select_related("connection", "collection")
    return links.order_by("pk").first()


def links_not_in_step(*, actor: Actor, connection: Connection) -> QuerySet[ExternalLink]:
    """Records that were set aside, trashed, moved or lost, with their tasks."""
    require(actor, "integrations.view")
    links = ExternalLink.objects.filter(connection=connection).exclude(state=ExternalLink.State.CLEAN)
    return links.select_related("collection", "task").order_by("pk")


def is_first_sync_done(connection: Connection) -> bool:
    """Whether every wanted collection has been read to its end once."""
    wanted = SyncedCollection.objects.filter(connection=connection).wanted()
    return wanted.exists() and not wanted.filter(last_complete_at=None).exists()


def is_awaiting_decision(connection: Connection) -> bool:
    """Whether a run is held until somebody has looked at it, or one that was let go has not ended yet."""
    # What is held on its way there stops nothing that comes from there.
    runs = SyncRun.objects.filter(connection=connection).exclude(kind=SyncRun.Kind.PUSH).open()
    return runs.filter(Q(is_approved=True) | Q(held_for=SyncRun.Held.MASS_CHANGE)).exists()


def last_full_reading_at(connection: Connection) -> datetime | None:
    """When the database that waited longest was last read to its end; None if one never was."""
    rows = SyncedCollection.objects.filter(connection=connection).to_read()
    # Reading one newly mapped database says nothing about the others.
    times = list(rows.values_list("last_complete_at", flat=True))
    return None if None in times else min((time for time in times if time is not None), default=None)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the company's tasks are: the time of the stalest workspace, None before its first sync."""

    synced_at: datetime | None
    stopped: int


@atomic
def freshness(*, actor: Actor) -> Freshness | None:
    """How fresh the workspaces are that are read; None when there is none, or nothing may be seen."""
    stopped = [Connection.State.REAUTHORISE, Connection.State.BLOCKED, Connection.State.ERROR]
    rows = list(
        visible_connections(actor=actor)
        .exclude(state=Connection.State.PAUSED)
        .values_list("state", "last_synced_at")
    )
    if not rows:
        return None
    # A quiet look sets the time as well as one that found something; one that could not read everything does not.
    times = [synced for state, synced in rows if state not in stopped]
    known = [time for time in times if time is not None]
    return Freshness(
        synced_at=min(known) if known and len(known) == len(times) else None,
        stopped=sum(state in stopped for state, _synced in rows),
    )


@atomic
def open_problem_count(*, actor: Actor) -> int:
    """Connections that stopped, databases that need a person, and runs that wait for a decision."""
    connections = visible_connections(actor=actor)
    stopped = [Connection.State.REAUTHORISE, Connection.State.BLOCKED, Connection.State.ERROR]
    attention = [SyncedCollection.State.ATTENTION, SyncedCollection.State.LOST]
    counts = connections.aggregate(
        stopped=Count("pk", filter=Q(state__in=stopped), distinct=True),
        collections=Count(
            "collections",
            filter=Q(collections__is_enabled=True, collections__state__in=attention),
            distinct=True,
        ),
    )
    held = SyncRun.objects.filter(connection__in=connections, held_for=SyncRun.Held.MASS_CHANGE).open()
    return int(counts["stopped"] + counts["collections"]) + held.count()


def log_of_run(*, actor: Actor, run_id: UUID) -> QuerySet[SyncRunLog]:
    """The lines of a run's log, newest first. Raises: NotFound."""
    if not visible_sync_runs(actor=actor).filter(pk=run_id).exists():
        raise NotFound("There is no such sync run.")
    return SyncRunLog.objects.filter(run_id=run_id).order_by("-id")


def changes_of_run(*, actor: Actor, run_id: UUID) -> QuerySet[SyncChange]:
    """What a run has changed or would change, newest first. Raises: NotFound."""
    if not visible_sync_runs(actor=actor).filter(pk=run_id).exists():
        raise NotFound("There is no such sync run.")
    return SyncChange.objects.filter(run_id=run_id).order_by("-id")
