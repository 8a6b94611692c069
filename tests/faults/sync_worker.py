"""A worker process that a test may kill: does one company's due work against the sandbox, then ends."""

import os
import sys
from uuid import UUID

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"


def main(tenant_id: str, notion_url: str) -> None:
    """Do everything of the company that is due now."""
    django.setup()
    from django.conf import settings

    from tenants.models import Tenant
    from tenants.tenancy import tenant_scope
    from tests.fakes.dispatch import run_due_work

    settings.NOTION_BASE_URL = notion_url
    ref = Tenant.objects.get(pk=UUID(tenant_id)).ref
    with tenant_scope(ref):
        run_due_work(ref)


if __name__ == "__main__":
    main(*sys.argv[1:])
