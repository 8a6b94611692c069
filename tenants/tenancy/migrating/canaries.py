"""Who is migrated first: a migration that fails there is not begun anywhere else."""

from collections.abc import Sequence

import structlog
from django.conf import settings

from tenants.foundation.errors import NotFound
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.models import Tenant
from tenants.tenancy.migrating.turns import Job

log = structlog.get_logger(__name__)


def choose_canaries(jobs: Sequence[Job], named: Sequence[str] | None = None) -> list[Job]:
    """The jobs to begin with: those ``named``, else those of ``MIGRATION_CANARIES``, else our own choice.

    Our own choice is the platform's tenant, and in each cell the one taken in last: it has the least to lose.

    Raises: NotFound when a tenant was named that does not exist.
    """
    slugs = list(named or settings.MIGRATION_CANARIES)
    if not slugs:
        newest = {job.tenant.cell: job for job in sorted(jobs, key=lambda job: job.tenant.pk)}
        chosen = {job.tenant.pk for job in newest.values()}
        return [job for job in jobs if job.tenant.slug == PLATFORM_SLUG or job.tenant.pk in chosen]
    unknown = set(slugs) - set(Tenant.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    if unknown and named:
        raise NotFound(f"There is no company {', '.join(sorted(unknown))}.", code="tenants.unknown")
    if unknown:  # one that was deleted must not hold up every release
        log.warning("canary.unknown", slugs=sorted(unknown))
    return [job for job in jobs if job.tenant.slug in slugs]
