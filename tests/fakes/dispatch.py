"""Runs work where the test stands: the worker's own code, without broker, dispatcher and heartbeat."""

from uuid import UUID

from django.db import connections

from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.outbox.bus import forget_relay_request
from tenants.tenancy import TenantRef
from tests.fakes.transactions import own_transactions_only


def run_due_work(
    tenant: TenantRef, *, kind: str | None = None, at_most: int = 1000
) -> dict[str, list[Outcome]]:
    """Run everything of ``tenant`` that is due, and what that asks for in turn; returns kind → outcomes.

    Failed and postponed jobs are due later, so they are not run again here: see ``make_due``.
    Raises: AssertionError when there is no end to it.
    """
    outcomes: dict[str, list[Outcome]] = {}
    for _ in range(at_most):
        # The test's transaction goes on, so it may publish again and has to ask for another relay run.
        forget_relay_request(tenant.cell)
        item = _next_due(tenant, kind)
        if item is None:
            return outcomes
        item_id, item_kind = item
        is_isolated = connections[tenant.cell].in_atomic_block
        with own_transactions_only(tenant.cell):
            outcome = run_item(tenant.cell, item_id, has_heartbeat=not is_isolated)
        outcomes.setdefault(item_kind, []).append(outcome)
    raise AssertionError(f"More than {at_most} jobs were due: {sorted(outcomes)}")


def _next_due(tenant: TenantRef, kind: str | None) -> tuple[UUID, str] | None:
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "SELECT id, kind FROM tenants_workitem WHERE tenant_id = %s AND (kind = %s OR %s::text IS NULL)"
            " AND (state = 'handed' OR (state = 'ready' AND due_at <= statement_timestamp()))"
            " ORDER BY priority, due_at, id LIMIT 1",
            [tenant.id, kind, kind],
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def make_due(tenant: TenantRef, *, kind: str | None = None) -> int:
    """Let the time of everything that waits for a later one come now; returns how many rows."""
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET due_at = statement_timestamp()"
            " WHERE tenant_id = %s AND state = 'ready' AND due_at > statement_timestamp()"
            " AND (kind = %s OR %s::text IS NULL)",
            [tenant.id, kind, kind],
        )
        return int(cursor.rowcount)


def states_of_work(tenant: TenantRef, kind: str | None = None) -> list[str]:
    """The states of the tenant's rows, oldest first; ``kind`` may be a pattern (``test.%``)."""
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "SELECT state FROM tenants_workitem WHERE tenant_id = %s AND (kind LIKE %s OR %s::text IS NULL)"
            " ORDER BY id",
            [tenant.id, kind, kind],
        )
        return [row[0] for row in cursor.fetchall()]
