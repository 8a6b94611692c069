"""``python -m tests.tenants.accounts.mfa.one_code TENANT USER``: a process that shows the code it is told."""

import sys
from uuid import UUID

import django


def main(tenant_id: str, user_id: str) -> None:
    """Say that it is ready, read a code, show it, and print what the product made of it."""
    django.setup()
    from tenants.accounts.mfa.services import use_code
    from tenants.accounts.models import User
    from tenants.models import Tenant
    from tenants.tenancy import atomic, tenant_scope

    with tenant_scope(Tenant.objects.get(pk=UUID(tenant_id)).ref):
        with atomic():
            user = User.objects.get(pk=UUID(user_id))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        shown = use_code(user, sys.stdin.readline().strip())
    sys.stdout.write(f"shown {shown or 'refused'}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
