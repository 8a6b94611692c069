"""One worker at a time for each connection: a lease with a token that fences off whoever lost it."""

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Q
from django.utils import timezone

from integrations.models import Connection
from tenants.foundation.errors import Conflict, LimitReached
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)

#: Longer than one call may take, with the waiting before it and the renewal of an access in between. It is renewed with
#: every write to the database, at every `session.check()`, and before every attempt of a write to the service.
LEASE_SECONDS: Final = 120
_GIVE_BACK_TRIES, _GIVE_BACK_PAUSE_SECONDS = 20, 0.5


class LeaseLost(Conflict):
    """Another worker reads this connection now; what this one still held in its hands is dropped."""

    default_code = "sync.lease_lost"
    default_message = "Another worker has taken over this connection."


@atomic
def take_lease(connection_id: UUID) -> UUID:
    """Take the connection for one worker; returns the token to show with every write.

    Raises: LimitReached with the seconds until the present lease ends.
    """
    now, token = timezone.now(), uuid7()
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=now)
    taken = Connection.objects.filter(free, pk=connection_id).update(
        lease_token=token, lease_expires_at=now + timedelta(seconds=LEASE_SECONDS)
    )
    if taken:
        return token
    held_until = Connection.objects.values_list("lease_expires_at", flat=True).get(pk=connection_id)
    wait = max(1.0, (held_until - now).total_seconds()) if held_until else 1.0
    raise LimitReached(
        "Another worker is reading this connection.",
        code="sync.connection_busy",
        retry_after_seconds=min(wait, 5.0),
    )


def keep_lease(connection_id: UUID, token: UUID) -> None:
    """Renew the lease inside the transaction of a write; the row stays locked until it is committed.

    Raises: LeaseLost; the transaction is then rolled back, so that nothing is written twice.
    """
    kept = Connection.objects.filter(pk=connection_id, lease_token=token).update(
        lease_expires_at=timezone.now() + timedelta(seconds=LEASE_SECONDS)
    )
    if not kept:
        raise LeaseLost


def give_back_lease(connection_id: UUID, token: UUID) -> None:
    """Let the next worker in at once; outside a transaction.

    A database that is just restarting is waited for: a lease left behind keeps everybody out until it ends.
    """
    for left in range(_GIVE_BACK_TRIES - 1, -1, -1):
        try:
            _clear(connection_id, token)
        except (DatabaseError, InterfaceError) as error:
            cell = connections[current_tenant().cell]
            if left == 0 or cell.in_atomic_block:
                raise
            log.warning("sync.lease_not_given_back", connection_id=connection_id, error=str(error).strip())
            cell.close()
            time.sleep(_GIVE_BACK_PAUSE_SECONDS)
        else:
            return


@atomic
def _clear(connection_id: UUID, token: UUID) -> None:
    Connection.objects.filter(pk=connection_id, lease_token=token).update(
        lease_token=None, lease_expires_at=None
    )
