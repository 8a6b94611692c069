"""``python -m tests.faults.lone_company TOKEN``: on a server of its own, databases and a company that reads Notion."""

import json
import sys

import django


def main(notion_token: str) -> None:
    """Make everything and print what a test needs to know, as JSON."""
    django.setup()
    from tenants.accounts.models import User
    from tenants.accounts.selectors import actor_for
    from tenants.accounts.tokens.services import create_api_token
    from tenants.models import Domain
    from tenants.tenancy import atomic, tenant_scope
    from tenants.tenancy.preparing import prepare
    from tests.companies import create_company
    from tests.faults.imports import connect

    prepare()
    company = create_company()
    with tenant_scope(company.ref) as ref, atomic():
        owner = actor_for(User.objects.get(email=f"owner@{ref.slug}.example"))
        issued = create_api_token(actor=owner, name="Load", scopes=sorted(owner.codes))
        token = issued.token.reveal()
    connection = connect(ref, notion_token)
    told = {
        "host": Domain.objects.get(tenant_id=ref.id).host,
        "schema": ref.schema,
        "token": token,
        "connection_id": str(connection.pk),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
