"""The ledger of a cell: which tenants lack which migrations, from one grouped query however many tenants there are."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
from django.db import connections, transaction

from tenants.models import Tenant
from tenants.tenancy.context import cell_scope
from tenants.tenancy.template import Key, tenant_plan

# Spares have rows here as well; only ids of tenants are looked at.
HELD = """
SELECT tenant_id::text, count(*) FROM tenants_migrationledger
WHERE app || '.' || name = ANY(%s) GROUP BY tenant_id
"""
NAMES = "SELECT tenant_id, app, name FROM tenants_migrationledger WHERE tenant_id = ANY(%s)"
# A schema that is being copied elsewhere must not change under the copy; its move catches up at the end.
LEFT_TO_ITS_MOVE = frozenset({Tenant.State.MOVING})
GONE = frozenset({Tenant.State.DELETED})


def pending_migrations(cell: str, plan: Sequence[Key] | None = None) -> dict[UUID, list[Key]]:
    """What each tenant of a cell lacks, in the order in which it applies; tenants that lack nothing are left out.

    So are deleted ones, and one that is just being taken in while it has no schema. One that is being moved is not:
    whoever acts on this looks at its state.
    """
    wanted = list(plan if plan is not None else tenant_plan())
    held = _held(cell, wanted)
    behind = [
        pk
        for pk, state in Tenant.objects.filter(cell=cell).exclude(state__in=GONE).values_list("pk", "state")
        if held.get(str(pk), 0) < len(wanted) and (state != Tenant.State.PROVISIONING or str(pk) in held)
    ]
    if not behind:
        return {}
    names: dict[UUID, set[Key]] = {pk: set() for pk in behind}
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        cursor.execute(NAMES, [behind])
        for tenant_id, app, name in cursor.fetchall():
            names[tenant_id].add((app, name))
    missing = {pk: [key for key in wanted if key not in known] for pk, known in names.items()}
    return {pk: keys for pk, keys in missing.items() if keys}


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
