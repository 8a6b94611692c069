"""The proxy asks for which names it may get certificates."""

import pytest
from django.core.cache import caches
from django.test import Client

from tenants.accounts.access import SYSTEM
from tenants.branding.domains import asking
from tenants.branding.domains.checking import note
from tenants.branding.domains.lookups import Found, Proof
from tenants.branding.domains.services import claim_domain
from tenants.models import CustomDomain, Tenant
from tenants.tenancy import TenantRef
from tests.tenants.branding.domains.conftest import HOST

SECRET = "a secret made up for tests"


@pytest.fixture
def row(tenant: TenantRef, settings: object) -> CustomDomain:
    """A claim; the proxy's secret is set and nobody has asked yet."""
    settings.CERTIFICATE_ASK_SECRET = SECRET  # type: ignore[attr-defined]
    caches["platform"].clear()
    return claim_domain(host=HOST, actor=SYSTEM)


def ask(domain: str = HOST, *, token: str = SECRET, host: str = "10.0.0.1:8000") -> int:
    """What the proxy is answered."""
    return (
        Client(headers={"host": host})
        .get("/certificates/ask", {"domain": domain, "token": token})
        .status_code
    )


@pytest.mark.parametrize("token", ["", "wrong", "ä", SECRET + "x"])
def test_without_the_secret_the_address_does_not_exist(row: CustomDomain, token: str) -> None:
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    assert ask(token=token) == 404


def test_without_a_secret_set_nobody_is_answered(row: CustomDomain, settings: object) -> None:
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    settings.CERTIFICATE_ASK_SECRET = ""  # type: ignore[attr-defined]
    assert ask(token="") == 404


@pytest.mark.parametrize(
    "domain", ["", "x" * 300, "north.localhost", "*.example.com", "tasks.example.com.", "é.com"]
)
def test_what_is_no_proved_domain_gets_no_certificate(row: CustomDomain, domain: str) -> None:
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    assert ask(domain) == 404


def test_only_a_proved_domain_gets_one(row: CustomDomain) -> None:
    assert ask() == 404
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    assert (ask(), ask(HOST.upper()), ask("other.example.com")) == (200, 200, 404)


def test_by_header_as_well(row: CustomDomain) -> None:
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    answer = Client().get(
        "/certificates/ask", {"domain": HOST}, headers={"Authorization": f"Bearer {SECRET}"}
    )
    assert answer.status_code == 200
    assert (
        Client().post("/certificates/ask", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 404
    )


def test_a_company_that_is_going_gets_no_more(row: CustomDomain, tenant: TenantRef) -> None:
    note(row.pk, Found(Proof.THERE), nonce=row.nonce)
    Tenant.objects.filter(pk=tenant.id).update(state="pending_deletion")
    assert ask() == 404


def test_who_tries_names_is_stopped(row: CustomDomain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_A_MINUTE", 3)
    monkeypatch.setattr("time.time", lambda: 60_000.0)
    assert [ask("a.example.com") for _ in range(5)] == [404, 404, 404, 429, 429]
