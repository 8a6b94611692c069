"""Tenancy: who the running code works for, and how the database is held to it."""

from tenants.tenancy.context import (
    TenantRef,
    cell_scope,
    current_tenant,
    current_tenant_or_none,
    tenant_scope,
)
from tenants.tenancy.errors import NoTenant, NoTransaction, TenancyError, WrongCell
from tenants.tenancy.transactions import (
    atomic,
    in_transaction,
    on_commit,
    outside_transaction,
    wait_for_turn,
)

__all__ = [
    "NoTenant",
    "NoTransaction",
    "TenancyError",
    "TenantRef",
    "WrongCell",
    "atomic",
    "cell_scope",
    "current_tenant",
    "current_tenant_or_none",
    "in_transaction",
    "on_commit",
    "outside_transaction",
    "tenant_scope",
    "wait_for_turn",
]
