"""What the platform's workers do while somebody signs up by a program."""

from tenants.models import Operation, Signup, Tenant
from tests.fakes.dispatch import run_due_work


def company_is_made(slug: str) -> bool:
    """Do what is due, and whether the company is there now: its operation is written down a moment before its job."""
    run_due_work(Tenant.objects.get(slug="platform").ref)
    # Of the sign-ups there are: the operation of an earlier test's company of this name is still there.
    asked = Signup.objects.exclude(operation_id=None).values_list("operation_id", flat=True)
    made = Operation.objects.filter(pk__in=list(asked), tenant_slug=slug, state=Operation.State.SUCCEEDED)
    return made.exists()
