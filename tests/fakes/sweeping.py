"""What becomes of jobs whose workers were killed: the sweeper's own code, without waiting for their leases to end."""

from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.sweeping import Sweep, sweep
from tenants.tenancy import TenantRef


def sweep_up(tenant: TenantRef) -> Sweep:
    """As if the leases of all running jobs had run out: they are run again later, or given up."""
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET lease_expires_at = statement_timestamp() - interval '1 second'"
            " WHERE tenant_id = %s AND state = 'running'",
            [tenant.id],
        )
    swept = sweep(tenant.cell, is_forced=True)
    assert swept is not None
    return swept
