"""The public keys stand at one address, on the platform's host."""

import pytest
from django.test import Client

from tenants.models import Domain, Tenant
from tenants.secrets.signing import sign_document
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory

ADDRESS = "/.well-known/signing-keys.json"


@pytest.fixture
def platform_host(tenant: TenantRef) -> str:
    """The test's company, made the platform's own tenant for the length of the test."""
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    return Domain.objects.get(tenant_id=tenant.id).host


def test_anybody_may_read_the_keys_on_the_platforms_host(platform_host: str) -> None:
    signed = sign_document({"kind": "test"})
    answer = Client(headers={"host": platform_host}).get(ADDRESS)
    assert answer.status_code == 200
    assert signed.key_id in [key["kid"] for key in answer.json()["keys"]]
    assert not any("private" in name or name == "d" for key in answer.json()["keys"] for name in key)


def test_a_companys_host_has_no_keys(host: str) -> None:
    assert Client(headers={"host": host}).get(ADDRESS).status_code == 404
