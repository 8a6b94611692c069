"""Companies for tests: made through the product's own onboarding, dropped for ever."""

import secrets
import time

from psycopg import errors

from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy.provisioning import drop_schema

OWNER_PASSWORD = "correct horse battery staple"


def create_company(slug: str = "", name: str = "Test Works", region: str = "") -> Tenant:
    """A company with one owner, ``owner@<slug>.example``."""
    slug = slug or f"t-{secrets.token_hex(4)}"
    done = onboard_tenant(
        slug=slug, name=name, owner_email=f"owner@{slug}.example", owner_name="Olga Owner-Example",
        owner_password=OWNER_PASSWORD, region=region,
    )  # fmt: skip
    return Tenant.objects.get(pk=done.tenant.id)


def drop_company(company: Tenant) -> None:
    """Remove a company's schema, role and directory entries; a worker that is just ending may be in the way."""
    for left in range(5, -1, -1):
        try:
            drop_schema(company)
            break
        except (errors.DeadlockDetected, errors.LockNotAvailable):
            if not left:
                raise
            time.sleep(0.5)
    company.delete()
