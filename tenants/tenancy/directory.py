"""The tenants' directory: host → tenant and id → tenant, from the control plane, remembered for a short while."""

import threading
import time
from collections.abc import Callable
from uuid import UUID

from tenants.models import Domain, Tenant
from tenants.tenancy.context import TenantRef

SECONDS = 30.0
# A company that is just being taken in opens at any moment, and jobs asked for until then wait for it.
SECONDS_WHILE_CLOSED = 1.0
MOST = 50_000


class Directory:
    """A bounded map in this process; also remembers for a moment that a host is unknown."""

    def __init__(self, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._entries: dict[str, tuple[float, TenantRef | None]] = {}
        self._lock = threading.Lock()

    def by_host(self, host: str) -> TenantRef | None:
        """The tenant reached under ``host`` (lower case, without a port), if there is one."""
        return self._remembered(f"host:{host}", lambda: _from_domain(host))

    def by_id(self, tenant_id: UUID) -> TenantRef | None:
        """The tenant with this id, if there is one."""
        return self._remembered(f"id:{tenant_id}", lambda: _from_id(tenant_id))

    def forget(self) -> None:
        """Ask the control plane again from now on."""
        with self._lock:
            self._entries.clear()

    def _remembered(self, key: str, find: Callable[[], TenantRef | None]) -> TenantRef | None:
        now = self._clock()
        entry = self._entries.get(key)
        if entry and entry[0] > now:
            return entry[1]
        tenant = find()
        is_closed = tenant is not None and tenant.state != "active"
        seconds = min(self._seconds, SECONDS_WHILE_CLOSED) if is_closed else self._seconds
        with self._lock:
            if len(self._entries) >= MOST:
                self._entries.clear()
            self._entries[key] = (now + seconds, tenant)
        return tenant


def _from_domain(host: str) -> TenantRef | None:
    domain = Domain.objects.select_related("tenant").filter(host=host).first()
    return domain.tenant.ref if domain else None


def _from_id(tenant_id: UUID) -> TenantRef | None:
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    return tenant.ref if tenant else None


directory = Directory()
