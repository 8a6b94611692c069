"""How fresh the data from the connected workspaces is, and how much arrived today."""

from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import F, Sum
from django.utils import timezone

from integrations.models import Connection, SyncRun
from integrations.selectors import freshness, visible_connections, visible_sync_runs
from tenants.accounts.access import Actor


@dataclass(frozen=True, kw_only=True)
class SyncFreshness:
    """`synced_at` is the time of the stalest workspace, None before its first sync."""

    workspaces: int
    stopped: int
    synced_at: datetime | None
    changed_today: int
    running: int

    @property
    def age_seconds(self) -> int | None:
        """Seconds since then; None before the first sync."""
        if self.synced_at is None:
            return None
        return max(int((timezone.now() - self.synced_at).total_seconds()), 0)


def sync_freshness(*, actor: Actor) -> SyncFreshness:
    """Look at the connections and today's runs; four queries."""
    fresh = freshness(actor=actor)
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    runs = visible_sync_runs(actor=actor).order_by()
    today = runs.filter(created_at__gte=midnight).aggregate(sum=Sum(F("new") + F("changed") + F("archived")))
    return SyncFreshness(
        workspaces=visible_connections(actor=actor).exclude(state=Connection.State.PAUSED).count(),
        stopped=fresh.stopped if fresh else 0,
        synced_at=fresh.synced_at if fresh else None,
        changed_today=today["sum"] or 0,
        running=runs.filter(state__in=SyncRun.OPEN_STATES).count(),
    )
