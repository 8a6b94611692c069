"""Recurring work of the platform itself; it runs in the scope of the tenant ``platform``."""

from tenants.dispatch import Work, enqueue, tenant_job
from tenants.lifecycle.export.services import remove_expired_exports
from tenants.lifecycle.moving import drop_old_copies
from tenants.lifecycle.operations import RUN_OPERATION, OperationLost, left_operations, run_operation
from tenants.tenancy import atomic
from tenants.tenancy.audit import audit_schemas
from tenants.tenancy.spares import refill_every_cell

_HOURS = 3600.0


@tenant_job("platform.run_operations", max_attempts=2, coalesce=True)
def run_operations(_work: Work) -> None:
    """Have every operation gone on with that nobody works on: a slow one holds up none of the others."""
    left = left_operations()
    if left:
        with atomic():
            for operation_id in left:
                enqueue(RUN_OPERATION, object_id=operation_id, slot=f"operation:{operation_id}", priority=50)


@tenant_job(RUN_OPERATION, max_attempts=3, time_limit_seconds=12 * _HOURS, max_age_seconds=24 * _HOURS)
def run_one_operation(work: Work) -> None:
    """Do what is left of one operation; whoever holds it already goes on with it."""
    assert work.object_id is not None
    try:
        run_operation(work.object_id)
    except OperationLost:
        return


@tenant_job("platform.refill_spares", max_attempts=2, time_limit_seconds=_HOURS, coalesce=True)
def refill_spares(_work: Work) -> None:
    """Make the spare schemas that are missing in any cell, and remove what nobody owns."""
    refill_every_cell()


@tenant_job("platform.remove_expired_exports", max_attempts=3)
def remove_old_exports(_work: Work) -> None:
    """Remove the archives whose time has come."""
    remove_expired_exports()


@tenant_job("platform.drop_moved_copies", max_attempts=3)
def drop_moved_copies(_work: Work) -> None:
    """Drop what companies left in cells they moved away from, when it has been kept long enough."""
    drop_old_copies()


@tenant_job("platform.schema_audit", max_attempts=2, time_limit_seconds=_HOURS)
def audit_every_schema(_work: Work) -> None:
    """Compare every company's schema with the template; what is found is evidence, not an error of the job."""
    audit_schemas()
