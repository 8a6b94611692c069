"""What an operator does: run dead letters again or put them away, change a tenant's share of the workers."""

from uuid import UUID

import structlog
from django.db import IntegrityError

from tenants.dispatch.leases import COMPANY_CLOSED, cell_transaction
from tenants.dispatch.waking import wake_on_commit
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.models import TenantQueue, WorkItem

log = structlog.get_logger(__name__)
# Without its period: the next run was inserted when this one was given up, and there must be no second
# series.
RETRY = """
UPDATE tenants_workitem
SET state = 'ready', due_at = statement_timestamp(), attempts = 0, started_at = NULL, finished_at = NULL,
    every_seconds = NULL
WHERE id = %s AND state = 'dead'
RETURNING kind
"""

RELEASE = """
UPDATE tenants_workitem SET due_at = statement_timestamp(), last_error = ''
WHERE tenant_id = %s AND state = 'ready' AND last_error = %s AND due_at > statement_timestamp()
"""


def release_postponed(*, cell: str, tenant_id: UUID) -> int:
    """Make due what was put back because the tenant's doors were closed; returns how many jobs it was."""
    with cell_transaction(cell) as cursor:
        cursor.execute(RELEASE, [tenant_id, COMPANY_CLOSED])
        released = int(cursor.rowcount)
        wake_on_commit(cell)
    if released:
        log.info("jobs.released", tenant_id=str(tenant_id), jobs=released)
    return released


def retry_dead_letter(*, cell: str, item_id: UUID) -> None:
    """Let a dead letter be run again from its first attempt. A recurring job's next run is untouched by it.

    Raises: NotFound, Conflict (its slot was taken by a newer row meanwhile).
    """
    try:
        with cell_transaction(cell) as cursor:
            cursor.execute(RETRY, [item_id])
            row = cursor.fetchone()
            if row is None:
                raise NotFound("There is no such dead letter.", code="dispatch.no_dead_letter")
            wake_on_commit(cell)
    except IntegrityError as error:
        raise Conflict(
            "The same work has been asked for anew and is waiting or running.", code="dispatch.slot_taken"
        ) from error
    log.info("dead_letter.retried", job_id=str(item_id), kind=row[0])


def set_share(
    *,
    cell: str,
    tenant_id: UUID,
    weight: float | None = None,
    max_inflight: int | None = None,
    is_paused: bool | None = None,
) -> None:
    """Change a tenant's share: its weight against others, how many of its jobs run at once, whether any do.

    Raises: InvalidInput for a weight that is not positive or no place at all, NotFound.
    """
    wanted = {"weight": weight, "max_inflight": max_inflight, "is_paused": is_paused}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if (weight is not None and weight <= 0) or (max_inflight is not None and max_inflight < 1):
        raise InvalidInput(
            "A share needs a positive weight and at least one place; pause the company instead."
        )
    with cell_transaction(cell):
        if not TenantQueue.objects.filter(pk=tenant_id).update(**changes):
            raise NotFound("This company has no queue in this cell.", code="dispatch.no_queue")
        wake_on_commit(cell)
    log.info("share.changed", tenant_id=str(tenant_id), **changes)


def discard_dead_letter(*, cell: str, item_id: UUID) -> None:
    """Remove a dead letter for good.

    Raises: NotFound.
    """
    with cell_transaction(cell):
        removed, _ = WorkItem.objects.filter(pk=item_id, state=WorkItem.State.DEAD).delete()
    if not removed:
        raise NotFound("There is no such dead letter.", code="dispatch.no_dead_letter")
    log.info("dead_letter.discarded", job_id=str(item_id))
