"""What the platform's workers do while somebody signs up by a program."""

from tenants.models import Operation, Tenant
from tests.fakes.dispatch import run_due_work


def company_is_made(slug: str) -> bool:
    """Do what is due, and whether the company is there now: its operation is written down a moment before its job."""
    run_due_work(Tenant.objects.get(slug="platform").ref)
    return Operation.objects.filter(tenant_slug=slug, state=Operation.State.SUCCEEDED).exists()
