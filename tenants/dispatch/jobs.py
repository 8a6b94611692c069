"""The one Celery task there is: it runs the row a message names."""

from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from tenants.dispatch.broker import TASK
from tenants.dispatch.running import run_item

log = structlog.get_logger(__name__)


@shared_task(name=TASK, ignore_result=True)
def run_work_item(cell: str, item_id: str) -> None:
    """Run row ``item_id`` of ``cell``. What cannot be acted on is dropped: the row is handed out again."""
    if cell not in settings.CELLS:
        log.error("job.unknown_cell", cell=cell)
        return
    try:
        run_item(cell, UUID(item_id))
    except (OperationalError, InterfaceError) as error:
        log.warning("job.database_lost", job_id=item_id, error=str(error))
        connections[cell].close()
