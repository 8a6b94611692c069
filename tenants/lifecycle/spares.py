"""Has spare schemas made up soon after one was claimed; the platform's tenant does the work."""

from datetime import timedelta

from django.utils import timezone

from tenants.dispatch import enqueue
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import atomic, tenant_scope

# So that a handful of companies that come together cost one batch: every grant makes all connections of the login
# role read their memberships anew.
SOON = timedelta(seconds=5)


def want_spares() -> None:
    """Ask for a refill; does nothing before the platform's tenant stands (its schedule refills, too)."""
    platform = Tenant.objects.filter(slug=PLATFORM_SLUG, state=Tenant.State.ACTIVE).first()
    if platform is not None:
        with tenant_scope(platform.ref), atomic():
            enqueue("platform.refill_spares", slot="wanted", due_at=timezone.now() + SOON)
