"""Reads of the queue: how much waits, and what was given up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenants.dispatch.leases import cell_transaction
from tenants.models import WorkItem

DEPTH = """
SELECT count(*) FILTER (WHERE state = 'ready' AND due_at <= statement_timestamp()),
       count(*) FILTER (WHERE state = 'handed'),
       count(*) FILTER (WHERE state = 'running'),
       count(*) FILTER (WHERE state = 'ready' AND due_at > statement_timestamp()),
       coalesce(extract(epoch FROM statement_timestamp() - min(due_at) FILTER (WHERE state = 'ready')), 0)
FROM tenants_workitem WHERE state IN ('ready', 'handed', 'running')
"""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A cell's queue: rows by what they wait for, and how many seconds the oldest due one has waited."""

    runnable: int
    handed: int
    running: int
    later: int
    dead: int
    oldest_age_seconds: float
    passed_at: datetime | None


def queue_depth(cell: str) -> QueueDepth:
    """Count a cell's rows; ``passed_at`` is when a dispatcher last handed anything out."""
    with cell_transaction(cell) as cursor:
        cursor.execute(DEPTH)
        runnable, handed, running, later, oldest = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM tenants_workitem WHERE state = 'dead'")
        (dead,) = cursor.fetchone()
        cursor.execute("SELECT max(passed_at) FROM tenants_dispatchclock")
        (passed_at,) = cursor.fetchone()
    return QueueDepth(runnable, handed, running, later, dead, max(0.0, float(oldest)), passed_at)


def dead_letters(cell: str, *, tenant_id: UUID | None = None, most: int = 200) -> list[WorkItem]:
    """What was given up in a cell (of one tenant), newest first."""
    with cell_transaction(cell):
        rows = WorkItem.objects.filter(state=WorkItem.State.DEAD).order_by("-finished_at")
        if tenant_id is not None:
            rows = rows.filter(tenant_id=tenant_id)
        return list(rows[:most])
