"""How far the companies are in step: progress while it goes on, and the one JSON object at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from integrations.demo.progress import WorkspaceProgress
from integrations.models import Connection, ExternalLink, SyncRun
from integrations.selectors import is_first_sync_done
from tasks.models import Task
from tenants.tenancy import TenantRef, atomic, tenant_scope

_ENDED = (SyncRun.State.FAILED, SyncRun.State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `demo --once --json` prints: counts, and the seconds until everything was in step."""

    tenants: int
    connections: int
    tasks: int
    notion_calls: int
    sync_failures: int
    seconds: float

    def as_json(self) -> dict[str, int | float]:
        """Return the object with exactly the agreed keys."""
        return asdict(self)


def workspaces_of(ref: TenantRef, totals: Mapping[str, int]) -> list[WorkspaceProgress]:
    """Return how far each workspace of a company is; `totals` says how many records each name holds."""
    with tenant_scope(ref), atomic():
        return [
            _progress(connection, totals)
            for connection in Connection.objects.present().order_by("created_at")
        ]


def _progress(connection: Connection, totals: Mapping[str, int]) -> WorkspaceProgress:
    runs = SyncRun.objects.filter(connection=connection, kind__in=[SyncRun.Kind.IMPORT, SyncRun.Kind.FULL])
    run = runs.order_by("-id").first()
    total = totals.get(connection.workspace_name)
    if is_first_sync_done(connection) and (run is None or not run.is_open):
        links = ExternalLink.objects.filter(connection=connection).count()
        return WorkspaceProgress(
            connection.name, links, total, connection.calls_total, "Finished", is_finished=True
        )
    if run is None:
        return WorkspaceProgress(
            connection.name, 0, total, connection.calls_total, "Queued", is_finished=False
        )
    has_failed = run.state in _ENDED
    phase = run.get_phase_display() if run.state == SyncRun.State.RUNNING else run.get_state_display()
    return WorkspaceProgress(
        connection.name,
        run.done,
        run.total or total,
        run.calls,
        phase,
        is_finished=has_failed,
        has_failed=has_failed,
    )


def outcome_of(companies: Sequence[TenantRef], seconds: float) -> Outcome:
    """Count what was reached in these companies."""
    connections = tasks = calls = failures = 0
    # What went wrong in a former run of the demo is no failure of this one.
    began_at = timezone.now() - timedelta(seconds=seconds)
    for ref in companies:
        with tenant_scope(ref), atomic():
            present = Connection.objects.present()
            connections += present.count()
            calls += present.aggregate(calls=Sum("calls_total"))["calls"] or 0
            tasks += Task.objects.filter(archived_at=None).count()
            runs = SyncRun.objects.filter(
                state__in=[SyncRun.State.FAILED, SyncRun.State.PARTIAL], finished_at__gte=began_at
            )
            failures += runs.count()
            failures += ExternalLink.objects.filter(state=ExternalLink.State.QUARANTINED).count()
    return Outcome(len(companies), connections, tasks, calls, failures, round(seconds, 1))
