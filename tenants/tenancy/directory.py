"""The tenants' directory: host → tenant and id → tenant, remembered in this process and told what has changed."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from tenants.models import Domain, Tenant
from tenants.tenancy.context import TenantRef

log = structlog.get_logger(__name__)
# How often a process asks what has changed: a change is known everywhere about this much later.
LOOK_SECONDS = 1.0
# From this age on those who ask wait for the look that is under way; younger memory is good enough for them.
LATE_SECONDS = 5.0
# How long an entry is kept in any case, and that a host is nobody's.
SECONDS, SECONDS_UNKNOWN = 600.0, 30.0
# How long what is remembered serves while the control plane does not answer, and how long that is then left alone.
SECONDS_ALONE, REST_SECONDS = 300.0, 2.0
MOST, MOST_UNKNOWN, MOST_CHANGES, STRIPES = 50_000, 10_000, 1_000, 64
CHANGES = """
SELECT v.version, c.version, c.tenant_id FROM tenants_directoryversion v
LEFT JOIN LATERAL (
    SELECT version, tenant_id FROM tenants_directorychange WHERE version > %s ORDER BY version LIMIT %s
) c ON true
WHERE v.id = 1 ORDER BY c.version
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """The directory's number, and the tenants that changed since the one asked about; None: too many to say."""

    number: int
    tenants: frozenset[UUID] | None


class Directory:
    """A bounded map, safe for threads.

    Once a second the first who asks fetches what has changed, and only that is forgotten. An entry that is missing is
    looked for by one thread while the others that want it wait. While the control plane is away, what is remembered
    goes on serving for five minutes; what is not remembered raises OperationalError, which is answered by a 503.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
        changes_since: Callable[[int], Changes] | None = None,
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._changes_since = changes_since or _changes_since
        self._entries: dict[Hashable, tuple[float, TenantRef]] = {}
        self._keys_of: defaultdict[UUID, set[Hashable]] = defaultdict(set)
        self._unknown: dict[Hashable, float] = {}
        self._number: int | None = None
        self._generation = 0
        self._looked_at = self._answered_at = float("-inf")
        self._rests_until = float("-inf")
        self._is_alone = False
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._stripes = [threading.Lock() for _ in range(STRIPES)]

    def by_host(self, host: str) -> TenantRef | None:
        """The tenant reached under ``host`` (lower case, without a port), if there is one.

        Raises: OperationalError when nobody can say.
        """
        return self._remembered(("host", host), lambda: _from_domain(host))

    def by_id(self, tenant_id: UUID) -> TenantRef | None:
        """The tenant with this id, if there is one.

        Raises: OperationalError when nobody can say.
        """
        return self._remembered(("id", tenant_id), lambda: _from_id(tenant_id))

    def forget(self) -> None:
        """Ask the control plane again from now on; other processes learn of a change by themselves."""
        with self._lock:
            self._clear()

    def _remembered(self, key: Hashable, find: Callable[[], TenantRef | None]) -> TenantRef | None:
        self._look_for_changes()
        is_known, tenant = self._recall(key)
        if is_known:
            return tenant
        with self._stripes[hash(key) % STRIPES]:
            is_known, tenant = self._recall(key)
            return tenant if is_known else self._find(key, find)

    def _recall(self, key: Hashable) -> tuple[bool, TenantRef | None]:
        now = self._clock()
        if now - self._answered_at > SECONDS_ALONE:
            return False, None
        entry = self._entries.get(key)
        # Old is better than nothing while there is nobody to ask.
        if entry and (entry[0] > now or self._is_alone):
            return True, entry[1]
        return self._unknown.get(key, now) > now, None

    def _find(self, key: Hashable, find: Callable[[], TenantRef | None]) -> TenantRef | None:
        generation = self._generation
        tenant = self._ask(find)
        with self._lock:
            if generation != self._generation:
                return tenant  # something was forgotten meanwhile: what was found may be older than that
            until = self._clock() + (self._seconds if tenant else min(self._seconds, SECONDS_UNKNOWN))
            if tenant is None:
                if len(self._unknown) >= MOST_UNKNOWN:
                    self._unknown.clear()
                self._unknown[key] = until
            else:
                if len(self._entries) >= MOST:
                    self._clear()
                self._entries[key] = until, tenant
                self._keys_of[tenant.id].add(key)
        return tenant

    def _look_for_changes(self) -> None:
        age = self._clock() - self._looked_at
        if age < LOOK_SECONDS or not self._looking.acquire(
            blocking=age > LATE_SECONDS and not self._is_alone
        ):
            return
        try:
            now = self._clock()
            if now - self._looked_at < LOOK_SECONDS or now < self._rests_until:
                return
            number = self._number
            changes = self._ask(lambda: self._changes_since(number or 0))
            with self._lock:
                if changes.tenants is None or number is None:
                    self._clear()
                elif changes.tenants:
                    self._forget_tenants(changes.tenants)
                self._number, self._looked_at = changes.number, now
        except (DatabaseError, InterfaceError):
            return  # whether what is remembered may still serve is seen when it is asked for
        finally:
            self._looking.release()

    def _ask[T](self, question: Callable[[], T]) -> T:
        """Ask the control plane, unless it has just failed. Raises: OperationalError, InterfaceError."""
        if self._clock() < self._rests_until:
            raise OperationalError("The control plane did not answer a moment ago.")
        try:
            answer = _on_a_living_connection(question)
        except (OperationalError, InterfaceError) as error:
            self._rests_until = self._clock() + REST_SECONDS
            if not self._is_alone:
                log.warning("directory.alone", error=str(error).strip())
            self._is_alone = True
            raise
        if self._is_alone:
            log.info("directory.back")
        self._is_alone, self._answered_at = False, self._clock()
        return answer

    def _forget_tenants(self, tenants: frozenset[UUID]) -> None:
        self._generation += 1
        self._unknown.clear()
        for tenant in tenants:
            for key in self._keys_of.pop(tenant, ()):
                self._entries.pop(key, None)

    def _clear(self) -> None:
        self._generation += 1
        self._entries.clear()
        self._keys_of.clear()
        self._unknown.clear()


def _on_a_living_connection[T](question: Callable[[], T]) -> T:
    """Ask again on a new connection when the old one turns out to have died while nobody used it."""
    connection = connections["default"]
    if connection.in_atomic_block or connection.connection is None:
        return question()
    try:
        return question()
    except (OperationalError, InterfaceError):
        connection.close()
        return question()


def _changes_since(number: int) -> Changes:
    with connections["default"].cursor() as cursor:
        cursor.execute(CHANGES, [number, MOST_CHANGES])
        rows = cursor.fetchall()
    now = int(rows[0][0]) if rows else 0
    tenants = [tenant for _, version, tenant in rows if version is not None]
    # Too far behind, or the control plane was restored to an earlier time: the gap says nothing of what was in it.
    is_complete = now - number == len(tenants)
    return Changes(now, frozenset(tenants) if is_complete else None)


def _from_domain(host: str) -> TenantRef | None:
    domain = Domain.objects.select_related("tenant").filter(host=host).first()
    return domain.tenant.ref if domain else None


def _from_id(tenant_id: UUID) -> TenantRef | None:
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    return tenant.ref if tenant else None


directory = Directory()
