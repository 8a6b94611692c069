"""Reports from a cell's read replica, never older than what the tenant itself has written; else from the primary."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from prometheus_client import Counter

from tenants.tenancy.backend.base import REPLICA
from tenants.tenancy.context import TenantRef, cell_scope, current_tenant, current_tenant_or_none
from tenants.tenancy.positions import positions

log = structlog.get_logger(__name__)
SUFFIX = REPLICA
# For how long a replica that did not answer is left alone.
REST_SECONDS = 10.0
REPLAYED = "SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn"
WRITTEN = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
READS = Counter(
    "nts_replica_reads_total",
    "Reports by where they were read: replica, behind (the primary: the replica lacked the tenant's last write),"
    " away (the primary: the replica did not answer) or writing (the primary: the tenant was just writing).",
    ["cell", "source"],
)

_reading: ContextVar[str | None] = ContextVar("tenancy_replica", default=None)
_rests_until: dict[str, float] = {}


def replica_of(cell: str) -> str | None:
    """The alias of a cell's replica, where it has one."""
    alias = f"{cell}{SUFFIX}"
    return alias if alias in settings.DATABASES else None


def reading_alias() -> str | None:
    """The replica the open block reads from, if the scope is still of its cell."""
    alias, tenant = _reading.get(), current_tenant_or_none()
    return alias if alias and tenant and alias == f"{tenant.cell}{SUFFIX}" else None


def from_replica[T](read: Callable[[], T]) -> T:
    """What ``read`` gives, read from the replica where that can be done, else from the primary.

    ``read`` must only read: it is called again when the replica fails half way (it goes away, cancels the query for
    the sake of its replay, or lacks a migration), and must have fetched its rows when it returns.
    """
    is_used = False
    try:
        with reading_from_replica() as is_used:
            return read()
    except (DatabaseError, InterfaceError) as error:
        if not is_used:
            raise
        _rest(current_tenant().cell, error)
    return read()


@contextmanager
def reading_from_replica() -> Iterator[bool]:
    """Until the block ends the current tenant's models are read from the replica; gives whether they are.

    They are read from the primary as ever where there is no replica, where it does not answer, where it lacks something
    this tenant has committed, and while the open transaction has changes of its own. Writes go to the primary always.
    The rows are those of one tenant as everywhere: the replica has the same roles and rights, being the same cluster.
    """
    tenant = current_tenant()
    alias = replica_of(tenant.cell)
    if alias is None or time.monotonic() < _rests_until.get(alias, 0.0):
        yield False
        return
    if connections[tenant.cell].has_changes_of(tenant.id):  # type: ignore[attr-defined]
        READS.labels(tenant.cell, "writing").inc()
        yield False
        return
    block = transaction.atomic(using=alias)
    source = _open(block, alias, tenant)
    READS.labels(tenant.cell, source).inc()
    if source != "replica":
        yield False
        return
    token = _reading.set(alias)
    try:
        yield True
    except BaseException:
        _reading.reset(token)
        block.__exit__(*sys.exc_info())
        raise
    _reading.reset(token)
    block.__exit__(None, None, None)


def _open(block: transaction.Atomic, alias: str, tenant: TenantRef) -> str:
    """Begin on the replica when it is there and far enough; says where to read."""
    try:
        wanted = _position_of(tenant)
        block.__enter__()
    except (OperationalError, InterfaceError, redis.RedisError) as error:
        _rest(tenant.cell, error)
        return "away"
    try:
        reached = _number(alias, tenant.cell, REPLAYED)
    except (DatabaseError, InterfaceError) as error:
        block.__exit__(*sys.exc_info())
        _rest(tenant.cell, error)
        return "away"
    # One that was promoted replays nothing and gives no number.
    if reached is None or reached < wanted:
        block.__exit__(None, None, None)
        return "behind"
    return "replica"


def _position_of(tenant: TenantRef) -> int:
    """What the replica must have: the tenant's last commit, or everything there is when that is not known."""
    known = positions.of(tenant.cell, tenant.id)
    if known is not None:
        return known
    with transaction.atomic(using=tenant.cell):
        everything = _number(tenant.cell, tenant.cell, WRITTEN) or 0
    positions.note(tenant.cell, [tenant.id], everything)
    return everything


def _number(alias: str, cell: str, query: str) -> int | None:
    # As the login role: a tenant's role may not ask for the server's state.
    with cell_scope(cell), connections[alias].cursor() as cursor:
        cursor.execute(query)
        (number,) = cursor.fetchone()
    return None if number is None else int(number)


def _rest(cell: str, error: Exception) -> None:
    alias = f"{cell}{SUFFIX}"
    log.warning("replica.left_alone", cell=cell, error=str(error).strip())
    _rests_until[alias] = time.monotonic() + REST_SECONDS
    if not connections[alias].in_atomic_block:
        connections[alias].close()
