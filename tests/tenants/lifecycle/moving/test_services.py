"""A company is moved to another cell and back: with everything it has, and with nothing left behind."""

from tenants.accounts.models import Department, User
from tenants.lifecycle.moving import move_tenant
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope


def test_a_company_is_moved_with_its_rows(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        Department.objects.create(name="Harbour", key="H")
    done = move_tenant(slug=committed_tenant.slug, to="cell_2", asked_by="test", may_change_region=True)
    assert done.state == Operation.State.SUCCEEDED
    tenant = Tenant.objects.get(pk=committed_tenant.id)
    assert (tenant.cell, tenant.state, tenant.region) == ("cell_2", "active", "elsewhere")
    with tenant_scope(tenant.ref), atomic():
        assert Department.objects.filter(name="Harbour").exists()
        assert User.objects.filter(email=f"owner@{tenant.slug}.example").exists()
        Department.objects.create(name="Quay", key="Q")
