"""``python -m tests.faults.two_servers``: with cells on two servers, moves a company there and back; tells of it."""

import json
import sys

import django


def main() -> None:
    """Print one JSON object: of each move what it told, and of the company what was found after it."""
    django.setup()
    from django.conf import settings

    from tasks.drafts import TaskChanges
    from tasks.models import Task
    from tasks.services import create_task
    from tenants.accounts.access import SYSTEM
    from tenants.lifecycle.moving import move_tenant
    from tenants.models import Tenant
    from tenants.secrets.services import reveal_secret, store_secret
    from tenants.tenancy import atomic, tenant_scope
    from tenants.tenancy.preparing import prepare
    from tests.companies import create_company

    prepare()
    company = create_company()
    first, second = settings.CELLS
    told: dict[str, object] = {"schema": company.schema, "role": company.role}
    with tenant_scope(company.ref), atomic():
        secret = store_secret(
            name="word", owner_table="test", owner_id=company.pk, value="told to both servers", actor=SYSTEM
        )
    for turn, to in enumerate((second, first)):
        ref = Tenant.objects.get(pk=company.pk).ref
        with tenant_scope(ref), atomic():
            for number in range(20):
                create_task(changes=TaskChanges(title=f"Turn {turn}, task {number}"), actor=SYSTEM)
        moved = move_tenant(slug=company.slug, to=to, asked_by="test", keep_days=0)
        ref = Tenant.objects.get(pk=company.pk).ref
        with tenant_scope(ref), atomic():
            told[to] = {
                **moved.result,
                "state": moved.state,
                "lives_in": ref.cell,
                "tasks": Task.objects.count(),
                "keys": Task.objects.values("key").distinct().count(),
                "secret": reveal_secret(secret.pk).reveal(),
            }
        if turn == 0:
            told["roles_after_first"] = roles(company.role)
    told["roles_at_end"] = roles(company.role)
    sys.stdout.write(json.dumps(told, default=str))


def roles(role: str) -> list[str]:
    """On which servers there is the role."""
    from django.conf import settings

    from tenants.tenancy.databases import owner_connection

    found = []
    for cell in settings.CELLS:
        with owner_connection(f"{cell}_owner") as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                found.append(cell)
    return found


if __name__ == "__main__":
    main()
