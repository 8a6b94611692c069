"""Control plane and cell tables: what must exist before a tenant's schema is made and after it is dropped."""

from tenants.models.data_key import DataKey
from tenants.models.domain import Domain
from tenants.models.migration_ledger import MigrationLedger
from tenants.models.template_script import TemplateMigration, TemplateScript
from tenants.models.tenant import Tenant
from tenants.models.work_item import DispatchClock, TenantQueue, WorkItem

__all__ = [
    "DataKey",
    "DispatchClock",
    "Domain",
    "MigrationLedger",
    "TemplateMigration",
    "TemplateScript",
    "Tenant",
    "TenantQueue",
    "WorkItem",
]
