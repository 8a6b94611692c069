"""Reads of the control plane: the companies, and how each stands."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from tenants.accounts.access import Actor
from tenants.models import Domain, Tenant, WorkItem
from tenants.permissions import SEE_COMPANIES, require_operator
from tenants.tenancy import cell_scope


@dataclass(frozen=True)
class CompanyOverview:
    """One company as an operator sees it: never its content, only how it stands."""

    id: UUID
    slug: str
    name: str
    host: str
    state: str
    cell: str
    created_at: datetime
    waiting_jobs: int
    dead_jobs: int


def companies(*, actor: Actor | None) -> list[CompanyOverview]:
    """Every company, newest first, with its open and given-up jobs.

    Raises: NotFound off the platform's host, Forbidden.
    """
    require_operator(actor, SEE_COMPANIES)
    hosts = dict(Domain.objects.filter(is_canonical=True).values_list("tenant_id", "host"))
    jobs = jobs_by_tenant()
    return [
        CompanyOverview(
            id=tenant.pk,
            slug=tenant.slug,
            name=tenant.name,
            host=hosts.get(tenant.pk, ""),
            state=tenant.state,
            cell=tenant.cell,
            created_at=tenant.created_at,
            waiting_jobs=sum(jobs[tenant.pk][state] for state in ("ready", "handed", "running")),
            dead_jobs=jobs[tenant.pk]["dead"],
        )
        for tenant in Tenant.objects.order_by("-created_at", "slug")
    ]


def jobs_by_tenant() -> dict[UUID, dict[str, int]]:
    """Counts of work items by tenant and state, one query per cell; finished ones are not counted."""
    counts: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for cell in settings.CELLS:
        with cell_scope(cell), transaction.atomic(using=cell):
            rows = (
                WorkItem.objects.exclude(state=WorkItem.State.DONE)
                .values_list("tenant_id", "state")
                .annotate(count=Count("pk"))
            )
            for tenant_id, state, count in rows:
                counts[tenant_id][state] += count
    return counts
