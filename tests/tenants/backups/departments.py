"""Rows of a company that tests of backups write and look at."""

from tenants.accounts.models import Department
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope


def found(company: Tenant, *names: str) -> None:
    """Make departments, committed."""
    with tenant_scope(company.ref), atomic():
        for name in names:
            Department.objects.create(name=name, key=name)


def names_in(company: Tenant) -> list[str]:
    """The names of a company's departments."""
    with tenant_scope(company.ref), atomic():
        return sorted(Department.objects.values_list("name", flat=True))
