"""What people do about pushes that were refused: have them sent again, one or all, and nothing else."""

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from integrations.models import Connection, Push
from integrations.services import enqueue_pushes
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


@atomic
def retry_push(*, push: Push, actor: Actor) -> Push:
    """Send what was refused once more. Raises: Forbidden, Conflict (it is not set aside any more)."""
    require(actor, "integrations.sync", on=push)
    if not _again(Push.objects.parked().filter(pk=push.pk)):
        raise Conflict("This is not set aside any more.", code="integrations.push_not_parked")
    return Push.objects.select_related("connection", "collection", "link", "task").get(pk=push.pk)


@atomic
def retry_parked_pushes(*, actor: Actor, connection: Connection | None = None) -> int:
    """Send everything that was refused once more, of one connection or of all; returns how much that is.

    Raises: Forbidden.
    """
    require(actor, "integrations.sync", on=connection)
    parked = Push.objects.parked().exclude(connection__state=Connection.State.DISCONNECTED)
    return _again(parked if connection is None else parked.filter(connection=connection))


def _again(parked: QuerySet[Push]) -> int:
    connection_ids = set(parked.order_by().values_list("connection_id", flat=True))
    count = parked.update(
        state=Push.State.WAITING, not_before=timezone.now(), attempts=0, error_code="", error_field="", error="",
        updated_at=timezone.now(),
    )  # fmt: skip
    for connection_id in connection_ids:
        enqueue_pushes(connection_id)
    log.info("push.retried", records=count)
    return count
