"""Our own addresses: scheme, host and port come from one place."""

import pytest
from django.conf import LazySettings

from tenants.models import Domain
from tenants.tenancy import TenantRef
from tenants.tenancy.addresses import (
    address_of,
    canonical_address,
    canonical_host,
    primary_address,
    public_address,
)


@pytest.mark.parametrize(
    ("scheme", "port", "expected"),
    [
        ("https", "", "https://acme.example/x/"),
        ("https", "8443", "https://acme.example:8443/x/"),
        ("http", "8000", "http://acme.example:8000/x/"),
    ],
)
def test_an_address_has_the_scheme_and_port_the_world_sees(
    settings: LazySettings, scheme: str, port: str, expected: str
) -> None:
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = scheme, port
    assert public_address("acme.example", "/x/") == expected


def test_the_canonical_host_is_the_one_in_the_directory(tenant: TenantRef, settings: LazySettings) -> None:
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", ""
    host = Domain.objects.get(tenant_id=tenant.id, is_canonical=True).host
    assert canonical_host() == host
    assert canonical_address("/sso/") == f"https://{host}/sso/"


def test_another_host_of_the_company_changes_nothing_about_the_canonical_one(tenant: TenantRef) -> None:
    before = canonical_host()
    Domain.objects.create(tenant_id=tenant.id, host=f"tasks.{tenant.slug}.example")
    assert canonical_host() == before


def test_letters_lead_to_an_address_of_the_company(tenant: TenantRef) -> None:
    hosts = Domain.objects.filter(tenant_id=tenant.id).values_list("host", flat=True)
    assert any(primary_address("/") == public_address(host, "/") for host in hosts)


def test_a_company_without_a_directory_entry_answers_under_its_slug(
    tenant: TenantRef, settings: LazySettings
) -> None:
    settings.BASE_DOMAIN = "portal.example"
    Domain.objects.filter(tenant_id=tenant.id).delete()
    assert canonical_host() == f"{tenant.slug}.portal.example"
    assert address_of(tenant.slug) == public_address(f"{tenant.slug}.portal.example")
