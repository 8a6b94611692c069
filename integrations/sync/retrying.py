"""Tries again what failed, and nothing else: the records that were set aside or could not be seen any more."""

from integrations.models import Connection, ExternalLink
from integrations.services import POLL_JOB
from tenants.accounts.access import Actor, require
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic


@atomic
def retry_set_aside_records(*, connection: Connection, actor: Actor) -> int:
    """Have the next look for changes read these records one by one, at once; returns how many there are.

    A record that still cannot be seen is noted as lost again; nothing is deleted. Raises: Forbidden, Conflict (the
    workspace is not being read).
    """
    require(actor, "integrations.sync", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if not locked.is_reading:
        raise Conflict(f"This workspace cannot be read now: {locked.get_state_display().lower()}.")
    links = ExternalLink.objects.filter(connection=locked)
    lost = links.filter(state=ExternalLink.State.ACCESS_LOST)
    lost.update(state=ExternalLink.State.QUARANTINED, state_reason="It is looked for again.")
    count = links.quarantined().update(failures=0, seen_run_id=None)
    if count:
        enqueue(POLL_JOB, object_id=locked.pk, slot=f"look:{locked.pk}", priority=40)
    return count
