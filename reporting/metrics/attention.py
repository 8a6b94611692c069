"""What wants a person: workspaces that stopped, databases that cannot be read as they are, failed runs."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import OuterRef, Subquery

from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.selectors import visible_connections, visible_sync_runs
from tenants.accounts.access import Actor, can

STOPPED = (Connection.State.REAUTHORISE, Connection.State.BLOCKED, Connection.State.ERROR)
UNWELL = (
    SyncedCollection.State.ATTENTION,
    SyncedCollection.State.UNREADABLE,
    SyncedCollection.State.LOST,
)
SHOWN_OF_A_KIND = 3
type Kind = Literal["connection", "collection", "mapping", "run", "held"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to look at: what it concerns, its id, the reason as it was recorded, and how many."""

    kind: Kind
    id: UUID
    name: str
    state: str
    reason: str = ""
    count: int = 0


def open_problems(*, actor: Actor) -> list[Problem]:
    """The open problems, the gravest kind first, a few of each; none for a reader who may not see them."""
    if not can(actor, "integrations.view"):
        return []
    connections = visible_connections(actor=actor)
    problems = [
        Problem(kind="connection", id=each.pk, name=each.name, state=each.state, reason=each.state_reason)
        for each in connections.filter(state__in=STOPPED).order_by("name")[:SHOWN_OF_A_KIND]
    ]
    held = visible_sync_runs(actor=actor).filter(
        held_for=SyncRun.Held.MASS_CHANGE, state=SyncRun.State.WAITING, connection__in=connections
    )
    problems += [
        Problem(kind="held", id=run.pk, name=run.connection.name, state=run.state)
        for run in held[:SHOWN_OF_A_KIND]
    ]
    problems += _failed_runs(actor)
    collections = SyncedCollection.objects.filter(connection__in=connections)
    unwell = collections.filter(is_enabled=True, state__in=UNWELL).order_by("title")
    problems += [
        Problem(kind="collection", id=each.pk, name=each.title, state=each.state, reason=each.state_reason)
        for each in unwell[:SHOWN_OF_A_KIND]
    ]
    proposed = collections.filter(
        role=SyncedCollection.Role.TASKS,
        mapping_state=SyncedCollection.MappingState.PROPOSED,
        state=SyncedCollection.State.READY,
    )
    problems += [
        Problem(kind="mapping", id=each.pk, name=each.title, state=each.mapping_state)
        for each in proposed.order_by("title")[:SHOWN_OF_A_KIND]
    ]
    return problems


def _failed_runs(actor: Actor) -> list[Problem]:
    """The last finished run of each workspace, where it failed or left records behind."""
    finished = SyncRun.objects.filter(connection=OuterRef("pk"), finished_at__isnull=False).order_by("-id")
    newest = visible_connections(actor=actor).values_list(Subquery(finished.values("pk")[:1]), flat=True)
    runs = visible_sync_runs(actor=actor).filter(
        pk__in=[run_id for run_id in newest if run_id],
        state__in=[SyncRun.State.FAILED, SyncRun.State.PARTIAL],
    )
    return [
        Problem(
            kind="run",
            id=run.pk,
            name=run.connection.name,
            state=run.state,
            reason=run.error,
            count=run.failed,
        )
        for run in runs[:SHOWN_OF_A_KIND]
    ]
