"""How each connection stands: fresh, late, short of calls, refused, waiting for somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils import timezone

from integrations.models import (
    CallTally,
    Conflict,
    Connection,
    ExternalLink,
    Push,
    SchemaChange,
    SyncRun,
    SyncRunIssue,
)
from integrations.selectors import visible_connections
from integrations.sync.percentiles import Percentile
from tenants.accounts.access import Actor, require

DAY: Final = timedelta(days=1)
#: Edits there older than this were taken over by a first import or a changed mapping: their age is no delay of ours.
LONGEST_LAG: Final = timedelta(hours=6)
SCHEMA_CHANGES_SHOWN: Final = 10
_FAILING: Final = (SyncRunIssue.Severity.ERROR, SyncRunIssue.Severity.WARNING)


@dataclass(frozen=True, kw_only=True)
class CallUse:
    """Calls of one connection: in the last hour, yesterday and today by lane, and those the service refused."""

    last_hour: int = 0
    last_day: int = 0
    refused: int = 0
    failed: int = 0
    by_lane: dict[str, int] = field(default_factory=dict)
    budget_an_hour: int | None = None

    @property
    def share(self) -> int:
        """Per cent of an hour's budget that the last hour used; 0 where there is none."""
        return round(100 * self.last_hour / self.budget_an_hour) if self.budget_an_hour else 0


@dataclass(frozen=True, kw_only=True)
class Health:
    """One connection. Lags are seconds from an edit there to its arrival here (edit times are whole minutes)."""

    connection: Connection
    lag_p50: float | None = None
    lag_p95: float | None = None
    waiting: int = 0
    oldest_waiting_at: datetime | None = None
    parked: int = 0
    held: int = 0
    conflicts: int = 0
    set_aside: int = 0
    lost: int = 0
    open_runs: tuple[SyncRun, ...] = ()
    calls: CallUse = CallUse()

    @property
    def wants_somebody(self) -> int:
        """How many things a person has to look at."""
        return self.parked + self.held + self.conflicts + self.set_aside + self.lost


def connection_health(*, actor: Actor) -> list[Health]:
    """How every connection stands, by name; the same few statements however many there are. Raises: Forbidden."""
    require(actor, "integrations.view")
    connections = list(visible_connections(actor=actor).order_by("name", "pk"))
    ids = [connection.pk for connection in connections]
    pushes, links, lags = _pushes(ids), _links(ids), _lags(ids)
    conflicts = dict(_counted(Conflict.objects.open().filter(connection__in=ids)))
    calls = _calls(connections)
    runs: dict[UUID, list[SyncRun]] = {}
    for run in SyncRun.objects.open().filter(connection__in=ids).order_by("pk"):
        runs.setdefault(run.connection_id, []).append(run)
    return [
        Health(
            connection=connection,
            conflicts=conflicts.get(connection.pk, 0),
            open_runs=tuple(runs.get(connection.pk, ())),
            calls=calls[connection.pk],
            **pushes.get(connection.pk, {}),
            **links.get(connection.pk, {}),
            **lags.get(connection.pk, {}),
        )
        for connection in connections
    ]


@dataclass(frozen=True, kw_only=True)
class ErrorGroup:
    """Problems of one kind that the newest finished runs of the connections met."""

    issue: SyncRunIssue
    run: SyncRun


def error_groups(*, actor: Actor) -> list[ErrorGroup]:
    """The problems that are there now: of each connection's newest finished run of each kind, the most frequent first.

    Raises: Forbidden.
    """
    require(actor, "integrations.view")
    connections = visible_connections(actor=actor)
    newest = (
        SyncRun.objects.filter(connection__in=connections, finished_at__gte=timezone.now() - 7 * DAY)
        .exclude(kind__in=[SyncRun.Kind.DRY_RUN, SyncRun.Kind.UNDO])
        .order_by("connection_id", "kind", "-id")
        .distinct("connection_id", "kind")
    )
    runs = {run.pk: run for run in newest.select_related("connection")}
    issues = SyncRunIssue.objects.filter(run__in=list(runs), severity__in=_FAILING).select_related(
        "collection"
    )
    return [
        ErrorGroup(issue=issue, run=runs[issue.run_id])
        for issue in issues.order_by("severity", "-count", "pk")
    ]


def recent_schema_changes(*, actor: Actor) -> Sequence[SchemaChange]:
    """What changed about the columns of the databases lately, newest first. Raises: Forbidden."""
    require(actor, "integrations.view")
    changes = SchemaChange.objects.filter(collection__connection__in=visible_connections(actor=actor))
    return list(changes.select_related("collection__connection").order_by("-id")[:SCHEMA_CHANGES_SHOWN])


def links_needing_care(*, actor: Actor, connection: Connection | None = None) -> QuerySet[ExternalLink]:
    """Records that were set aside, moved, or are no longer shared, oldest first, with tasks. Raises: Forbidden."""
    require(actor, "integrations.view")
    links = ExternalLink.objects.filter(connection__in=visible_connections(actor=actor)).filter(
        state__in=[
            ExternalLink.State.QUARANTINED, ExternalLink.State.ACCESS_LOST, ExternalLink.State.MOVED_REMOTE,
        ]
    )  # fmt: skip
    if connection is not None:
        links = links.filter(connection=connection)
    return links.select_related("connection", "collection", "task").order_by("pk")


def _without_key(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "connection_id"}


def _counted(rows: Any) -> Any:
    return rows.order_by().values_list("connection_id").annotate(number=Count("pk"))


def _pushes(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    waiting = Q(state__in=[Push.State.WAITING, Push.State.SENDING, Push.State.AMBIGUOUS])
    rows = Push.objects.filter(connection__in=ids).order_by().values("connection_id")
    counted = rows.annotate(
        waiting=Count("pk", filter=waiting),
        oldest_waiting_at=Min("first_edit_at", filter=waiting),
        parked=Count("pk", filter=Q(state=Push.State.PARKED)),
        held=Count("pk", filter=Q(state=Push.State.HELD)),
    )
    return {row["connection_id"]: _without_key(row) for row in counted}


def _links(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    states = ExternalLink.State
    rows = ExternalLink.objects.filter(connection__in=ids).exclude(state=states.CLEAN).order_by()
    counted = rows.values("connection_id").annotate(
        set_aside=Count("pk", filter=Q(state=states.QUARANTINED)),
        lost=Count("pk", filter=Q(state=states.ACCESS_LOST)),
    )
    return {row["connection_id"]: _without_key(row) for row in counted}


def _lags(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    delay = F("synced_at") - F("remote_edited_at")
    rows = (
        ExternalLink.objects.filter(connection__in=ids, synced_at__gte=timezone.now() - DAY)
        .filter(remote_edited_at__gte=F("connection__created_at"))
        .filter(remote_edited_at__gte=F("synced_at") - LONGEST_LAG)
        .order_by()
        .values("connection_id")
        .annotate(lag_p50=Percentile(delay, fraction=0.5), lag_p95=Percentile(delay, fraction=0.95))
    )
    return {
        row["connection_id"]: {
            name: max(row[name].total_seconds(), 0.0)
            for name in ("lag_p50", "lag_p95")
            if row[name] is not None
        }
        for row in rows
    }


def _calls(connections: Sequence[Connection]) -> dict[UUID, CallUse]:
    now = timezone.now()
    # Tallies are by the hour: of the hour before this one, the part that lies within the last sixty minutes counts.
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    left_of_it = 1 - now.minute / 60
    rows = (
        CallTally.objects.filter(connection__in=[each.pk for each in connections], hour__gt=now - DAY)
        .order_by()
        .values("connection_id", "hour", "lane")
        .annotate(all=Sum("calls"), all_failed=Sum("failed"), all_refused=Sum("refused"))
    )
    found: dict[UUID, list[Mapping[str, Any]]] = {connection.pk: [] for connection in connections}
    for row in rows:
        found[row["connection_id"]].append(row)
    uses: dict[UUID, CallUse] = {}
    for connection in connections:
        mine = found[connection.pk]
        present = sum(row["all"] for row in mine if row["hour"] == this_hour)
        before = sum(row["all"] for row in mine if row["hour"] == this_hour - timedelta(hours=1))
        lanes: dict[str, int] = {}
        for each in mine:
            lanes[each["lane"]] = lanes.get(each["lane"], 0) + each["all"]
        budget = connection.requests_per_minute
        uses[connection.pk] = CallUse(
            last_hour=present + round(before * left_of_it),
            last_day=sum(lanes.values()),
            refused=sum(row["all_refused"] for row in mine),
            failed=sum(row["all_failed"] for row in mine),
            by_lane=dict(sorted(lanes.items(), key=lambda item: -item[1])),
            budget_an_hour=budget * 60 if budget else None,
        )
    return uses
