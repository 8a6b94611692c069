"""Companies as an operator sees them: how each stands, never what it holds."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from tenants.accounts.access import Actor
from tenants.foundation.errors import NotFound
from tenants.models import Domain, Tenant, WorkItem
from tenants.permissions import SEE_COMPANIES, require_operator
from tenants.tenancy import cell_scope

_WAITING = ("ready", "handed", "running")


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many of a company's jobs are due or run, and how many were given up; None: its cell does not answer.

    What a schedule has planned for later does not wait yet.
    """

    waiting: int | None = 0
    dead: int | None = 0


@dataclass(frozen=True)
class CompanyOverview:
    """One company as an operator sees it: never its content, only how it stands."""

    id: UUID
    slug: str
    name: str
    host: str
    state: str
    state_reason: str
    state_changed_at: datetime
    delete_after: datetime | None
    cell: str
    region: str
    created_at: datetime
    waiting_jobs: int | None
    dead_jobs: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFilter:
    """What an operator looks for; an empty value leaves nothing out."""

    query: str = ""
    state: str = ""
    cell: str = ""
    region: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether everything is shown."""
        return not (self.query or self.state or self.cell or self.region)


def companies(*, actor: Actor | None, wanted: CompanyFilter | None = None) -> QuerySet[Tenant]:
    """The companies an operator looks for. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    found, wanted = Tenant.objects.all(), wanted or CompanyFilter()
    if wanted.query:
        hosts = Domain.objects.filter(host__icontains=wanted.query).values("tenant_id")
        found = found.filter(Q(name__icontains=wanted.query) | Q(pk__in=hosts))
    for name in ("state", "cell", "region"):
        if value := getattr(wanted, name):
            found = found.filter(**{name: value})
    return found


def counts_by_state(*, actor: Actor | None) -> dict[str, int]:
    """How many companies there are in each state. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    return dict(Tenant.objects.values_list("state").annotate(count=Count("pk")).order_by())


def company_for(*, actor: Actor | None, tenant_id: UUID) -> Tenant:
    """One company. Raises: NotFound, Forbidden."""
    found = companies(actor=actor).filter(pk=tenant_id).first()
    if found is None:
        raise NotFound("There is no such company.", code="tenants.unknown")
    return found


def overviews(tenants: Sequence[Tenant]) -> list[CompanyOverview]:
    """How these companies stand: one query for their hosts, and one per cell for their jobs."""
    ids = [tenant.pk for tenant in tenants]
    canonical = Domain.objects.filter(is_canonical=True, tenant_id__in=ids)
    hosts = dict(canonical.values_list("tenant_id", "host"))
    jobs = jobs_by_tenant(tenants)
    return [
        CompanyOverview(
            id=tenant.pk,
            slug=tenant.slug,
            name=tenant.name,
            host=hosts.get(tenant.pk, ""),
            state=tenant.state,
            state_reason=tenant.state_reason,
            state_changed_at=tenant.state_changed_at,
            delete_after=tenant.delete_after,
            cell=tenant.cell,
            region=tenant.region,
            created_at=tenant.created_at,
            waiting_jobs=jobs[tenant.pk].waiting,
            dead_jobs=jobs[tenant.pk].dead,
        )
        for tenant in tenants
    ]


def jobs_of(tenant: Tenant) -> Jobs:
    """The jobs of one company."""
    return jobs_by_tenant([tenant])[tenant.pk]


def jobs_by_tenant(tenants: Collection[Tenant]) -> dict[UUID, Jobs]:
    """The jobs of these companies, one query per cell; finished ones are not counted."""
    found: dict[UUID, Jobs] = {tenant.pk: Jobs() for tenant in tenants}
    for cell in sorted({tenant.cell for tenant in tenants}):
        ids = [tenant.pk for tenant in tenants if tenant.cell == cell]
        try:
            found |= _jobs_in(cell, ids)
        except (DatabaseError, InterfaceError):
            found |= dict.fromkeys(ids, Jobs(None, None))
    return found


def _jobs_in(cell: str, ids: list[UUID]) -> dict[UUID, Jobs]:
    counts: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    if cell not in settings.CELLS:
        return dict.fromkeys(ids, Jobs(None, None))
    with cell_scope(cell), transaction.atomic(using=cell):
        is_later = Q(state=WorkItem.State.READY, due_at__gt=Now())
        rows = WorkItem.objects.filter(tenant_id__in=ids).exclude(state=WorkItem.State.DONE).exclude(is_later)
        for tenant_id, state, count in rows.values_list("tenant_id", "state").annotate(count=Count("pk")):
            counts[tenant_id][state] += count
    return {pk: Jobs(sum(counts[pk][state] for state in _WAITING), counts[pk]["dead"]) for pk in ids}
