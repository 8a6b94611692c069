"""Reads of the control plane, for operators: companies, operations, and the platform itself."""

from tenants.selectors.companies import (
    CompanyFilter,
    CompanyOverview,
    Jobs,
    companies,
    company_for,
    counts_by_state,
    jobs_by_tenant,
    jobs_of,
    overviews,
)
from tenants.selectors.operations import operation_for, operations_of, visible_operations
from tenants.selectors.platform import (
    CHECKS,
    LATE_AFTER,
    Check,
    DeadLetter,
    checks,
    given_up_work,
    standing_of_cells,
)
from tenants.selectors.proofs import (
    BY_TIME,
    CERTIFICATES_BY_TIME,
    certificate_for,
    signed_evidence,
    visible_certificates,
    visible_evidence,
)

__all__ = [
    "BY_TIME",
    "CERTIFICATES_BY_TIME",
    "CHECKS",
    "LATE_AFTER",
    "Check",
    "CompanyFilter",
    "CompanyOverview",
    "DeadLetter",
    "Jobs",
    "certificate_for",
    "checks",
    "companies",
    "company_for",
    "counts_by_state",
    "given_up_work",
    "jobs_by_tenant",
    "jobs_of",
    "operation_for",
    "operations_of",
    "overviews",
    "signed_evidence",
    "standing_of_cells",
    "visible_certificates",
    "visible_evidence",
    "visible_operations",
]
