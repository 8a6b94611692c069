"""Control plane and cell tables: what must exist before a tenant's schema is made and after it is dropped."""

from tenants.models.backup import Backup
from tenants.models.custom_domain import CustomDomain
from tenants.models.data_key import DataKey
from tenants.models.deletion_request import DeletionRequest, RetiredName
from tenants.models.directory_version import DirectoryChange, DirectoryVersion
from tenants.models.domain import Domain
from tenants.models.evidence import Evidence
from tenants.models.migration_ledger import MigrationFailure, MigrationLedger
from tenants.models.operation import Operation
from tenants.models.operator_access import OperatorGrant, OperatorRule
from tenants.models.signing_key import DeletionCertificate, SigningKey
from tenants.models.signup import Signup
from tenants.models.spare_schema import SpareSchema
from tenants.models.template_script import TemplateMigration, TemplateScript
from tenants.models.tenant import Tenant
from tenants.models.work_item import DispatchClock, TenantQueue, WorkItem
from tenants.models.workspace_route import WorkspaceRoute

__all__ = [
    "Backup",
    "CustomDomain",
    "DataKey",
    "DeletionCertificate",
    "DeletionRequest",
    "DirectoryChange",
    "DirectoryVersion",
    "DispatchClock",
    "Domain",
    "Evidence",
    "MigrationFailure",
    "MigrationLedger",
    "Operation",
    "OperatorGrant",
    "OperatorRule",
    "RetiredName",
    "SigningKey",
    "Signup",
    "SpareSchema",
    "TemplateMigration",
    "TemplateScript",
    "Tenant",
    "TenantQueue",
    "WorkItem",
    "WorkspaceRoute",
]
