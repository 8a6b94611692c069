"""What an operator does about dead letters: run them again, or put them away."""

from uuid import UUID

import structlog
from django.db import IntegrityError

from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.waking import wake_on_commit
from tenants.foundation.errors import Conflict, NotFound
from tenants.models import WorkItem

log = structlog.get_logger(__name__)
# Without its period: the next run was inserted when this one was given up, and there must be no second series.
RETRY = """
UPDATE tenants_workitem
SET state = 'ready', due_at = statement_timestamp(), attempts = 0, started_at = NULL, finished_at = NULL,
    every_seconds = NULL
WHERE id = %s AND state = 'dead'
RETURNING kind
"""


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


def discard_dead_letter(*, cell: str, item_id: UUID) -> None:
    """Remove a dead letter for good.

    Raises: NotFound.
    """
    with cell_transaction(cell):
        removed, _ = WorkItem.objects.filter(pk=item_id, state=WorkItem.State.DEAD).delete()
    if not removed:
        raise NotFound("There is no such dead letter.", code="dispatch.no_dead_letter")
    log.info("dead_letter.discarded", job_id=str(item_id))
