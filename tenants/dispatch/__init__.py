"""Background work: rows in PostgreSQL that must not be lost, shared fairly among tenants, run by Celery."""

from tenants.dispatch.queueing import enqueue, schedule
from tenants.dispatch.registry import Job, JobRegistry, registry, tenant_job
from tenants.dispatch.work import LeaseLost, Retry, Work, tries_left

__all__ = [
    "Job",
    "JobRegistry",
    "LeaseLost",
    "Retry",
    "Work",
    "enqueue",
    "registry",
    "schedule",
    "tenant_job",
    "tries_left",
]
