"""What companies left in cells they moved away from: kept for some days, closed to everybody, then dropped."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from psycopg import sql

from tenants.models import Operation, Tenant
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import drop_role

log = structlog.get_logger(__name__)
KEEP_DAYS = 7


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The schema a company left in a cell, and until when it is kept (None: it is gone already)."""

    operation_id: UUID
    tenant_id: UUID
    cell: str
    schema: str
    role: str
    kept_until: datetime | None


def keep_until(days: int) -> str | None:
    """The time in ``days``, as the operation's result tells it; None when nothing is kept."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat() if days else None


def kept_copies(*, tenant_id: UUID | None = None) -> list[KeptCopy]:
    """The copies that still stand, oldest first (of one company)."""
    moves = Operation.objects.filter(
        kind=Operation.Kind.MOVE,
        state=Operation.State.SUCCEEDED,
        tenant_id__isnull=False,
        result__copy_kept_until__isnull=False,
    )
    if tenant_id is not None:
        moves = moves.filter(tenant_id=tenant_id)
    found = []
    for operation in moves.order_by("created_at"):
        until = operation.result["copy_kept_until"]
        if until and operation.tenant_id:
            found.append(
                KeptCopy(
                    operation.pk, operation.tenant_id, operation.input["from"], operation.input["schema"],
                    operation.input["role"], datetime.fromisoformat(until),
                )
            )  # fmt: skip
    return found


def drop_old_copies(*, now: datetime | None = None) -> int:
    """Drop what has been kept long enough; returns how many copies it was. A nightly job of the platform."""
    moment = now or datetime.now(UTC)
    return sum(
        _drop(copy) for copy in kept_copies() if copy.kept_until is not None and copy.kept_until <= moment
    )


def drop_copies_of(tenant_id: UUID) -> int:
    """Drop every copy of a company, however short it has been kept: part of its deletion."""
    return sum(_drop(copy) for copy in kept_copies(tenant_id=tenant_id))


def _drop(copy: KeptCopy) -> bool:
    # A company that has moved back since lives in this schema: then it is no copy.
    is_home = Tenant.objects.filter(pk=copy.tenant_id, cell=copy.cell).exists()
    is_moving = Operation.objects.filter(
        tenant_id=copy.tenant_id, state__in=Operation.OPEN, kind="move"
    ).exists()
    if is_moving:
        return False
    if not is_home:
        with owner_connection(f"{copy.cell}_owner") as connection:
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(copy.schema))
            )
            drop_role(connection, copy.role)
    operation = Operation.objects.get(pk=copy.operation_id)
    operation.result = {**operation.result, "copy_kept_until": None}
    operation.save(update_fields=["result", "updated_at"])
    if not is_home:
        log.info("moved_copy.dropped", tenant_id=str(copy.tenant_id), cell=copy.cell)
    return not is_home
