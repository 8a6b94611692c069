"""The ledger of a cell: which tenants lack which migrations, from one grouped query however many tenants there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connections, transaction

from tenants.models import Tenant
from tenants.tenancy.context import cell_scope
from tenants.tenancy.template import Key, tenant_plan

log = structlog.get_logger(__name__)
# Spares have rows here as well; only ids of tenants are looked at.
HELD = """
SELECT tenant_id::text, count(*) FROM tenants_migrationledger
WHERE app || '.' || name = ANY(%s) GROUP BY tenant_id
"""
NAMES = """
SELECT tenant_id, array_agg(app || '.' || name) FROM tenants_migrationledger
WHERE tenant_id = ANY(%s) GROUP BY tenant_id
"""
# A schema that is just changing over to another cell must not change under the move's hands.
LEFT_TO_ITS_MOVE = frozenset({Tenant.State.MOVING})
GONE = frozenset({Tenant.State.DELETED})


@dataclass(frozen=True)
class Standing:
    """A cell's tenants: what each lacks, in the order in which it applies; who lacks nothing; who has no schema yet."""

    pending: dict[UUID, list[Key]]
    up_to_date: list[UUID]
    without_schema: list[UUID]


def pending_migrations(cell: str, plan: Sequence[Key] | None = None) -> dict[UUID, list[Key]]:
    """What each tenant of a cell lacks; tenants that lack nothing are left out.

    So are deleted ones, and one that is just being taken in while it has no schema. One that is being moved is not:
    whoever acts on this looks at its state.
    """
    return standing_of(cell, plan).pending


def standing_of(cell: str, plan: Sequence[Key] | None = None) -> Standing:
    """How far every tenant of a cell is; deleted ones are nowhere."""
    wanted = list(plan if plan is not None else tenant_plan())
    held = _held(cell, wanted)
    standing = Standing({}, [], [])
    tenants = Tenant.objects.filter(cell=cell).exclude(state__in=GONE)
    for pk, state in tenants.values_list("pk", "state"):
        many = held.get(str(pk), 0)
        if many == len(wanted):
            standing.up_to_date.append(pk)
        elif many == 0 and state == Tenant.State.PROVISIONING:
            standing.without_schema.append(pk)
        else:
            standing.pending[pk] = []
    if standing.pending:
        full_names = [(".".join(key), key) for key in wanted]
        names = _names(cell, list(standing.pending))
        for pk in standing.pending:
            standing.pending[pk] = [key for name, key in full_names if name not in names.get(pk, ())]
    return standing


def standings(cells: Iterable[str], plan: Sequence[Key]) -> tuple[dict[str, Standing], dict[str, str]]:
    """How far every tenant of each cell is; beside it the cells that do not answer, and what they said."""
    found: dict[str, Standing] = {}
    unreachable: dict[str, str] = {}
    for cell in cells:
        try:
            found[cell] = standing_of(cell, plan)
        except (OperationalError, InterfaceError) as error:
            connections[cell].close()
            unreachable[cell] = str(error).strip()
            log.error("cell.does_not_answer", cell=cell, error=unreachable[cell])
    return found, unreachable


def _names(cell: str, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        cursor.execute(NAMES, [list(ids)])
        return dict(cursor.fetchall())


def _held(cell: str, plan: Sequence[Key]) -> dict[str, int]:
    """How many of the plan's migrations each id in the ledger has."""
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        cursor.execute(HELD, [[f"{app}.{name}" for app, name in plan]])
        return dict(cursor.fetchall())


def lacking(
    connection: psycopg.Connection[tuple[object, ...]], tenant_id: UUID, keys: Sequence[Key]
) -> list[Key]:
    """Those of ``keys`` that the tenant still lacks, as the owner's connection sees it now."""
    rows = connection.execute(
        "SELECT app, name FROM public.tenants_migrationledger WHERE tenant_id = %s", [tenant_id]
    ).fetchall()
    known = {(str(app), str(name)) for app, name in rows}
    return [key for key in keys if key not in known]
