"""A name of Acme's own on this machine: every browser knows that what ends in `.localhost` is here."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from integrations.demo.name_servers import Records
from tenants.branding.domains.services import proof_of, target
from tenants.models import CustomDomain, Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import public_address

OWN_DOMAIN: Final = "tasks.acme-example.localhost"


def ensure_own_domain(company: TenantRef, records: Records) -> str:
    """Let a company be reached under the name, with the records that prove it; return its address.

    Nobody could claim a name below `.localhost`, so the row is made here; the demo's own name servers say the same, so
    looking it up finds it as it should be.
    """
    with transaction.atomic(using="default"):
        domain, _ = Domain.objects.get_or_create(host=OWN_DOMAIN, defaults={"tenant_id": company.id})
        row, _ = CustomDomain.objects.update_or_create(
            tenant_id=company.id,
            host=OWN_DOMAIN,
            defaults={
                "state": "active", "domain": domain, "missing_since": None, "warned_at": None, "proof_problem": "",
                "route_problem": "",
            },
            create_defaults={"skeleton": OWN_DOMAIN, "nonce": "demo", "state": "active", "domain": domain},
        )  # fmt: skip
    with tenant_scope(company), atomic():
        record, value = proof_of(row)
        records.put(record, "TXT", [value])
        records.put(OWN_DOMAIN, "CNAME", [target()])
    return public_address(OWN_DOMAIN)
