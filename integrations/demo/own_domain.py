"""A name of Acme's own on this machine: every browser knows that what ends in `.localhost` is here."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from tenants.models import CustomDomain, Domain
from tenants.tenancy import TenantRef
from tenants.tenancy.addresses import public_address

OWN_DOMAIN: Final = "tasks.acme-example.localhost"


def ensure_own_domain(company: TenantRef) -> str:
    """Let a company be reached under the name, as if two name servers had said so; return its address.

    There is nothing to prove here: no name server of the Internet knows it, and the checks of a demo find no record.
    """
    with transaction.atomic(using="default"):
        domain, _ = Domain.objects.get_or_create(host=OWN_DOMAIN, defaults={"tenant_id": company.id})
        CustomDomain.objects.get_or_create(
            tenant_id=company.id,
            host=OWN_DOMAIN,
            defaults={"skeleton": OWN_DOMAIN, "nonce": "demo", "state": "active", "domain": domain},
        )
    return public_address(OWN_DOMAIN)
