"""Settings → Domains: what to set, and what was found."""

import pytest
from django.test import Client

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.models import UserSession
from tenants.branding.domains.checking import note
from tenants.branding.domains.lookups import Found, Proof
from tenants.branding.domains.services import claim_domain
from tenants.models import CustomDomain
from tenants.tenancy import TenantRef
from tests.people import person, signed_in_client

HOST = "tasks.example.com"
PAGE = "/settings/domains/"


@pytest.fixture
def row(tenant: TenantRef) -> CustomDomain:
    """An active domain."""
    made = claim_domain(host=HOST, actor=SYSTEM)
    return note(made.pk, Found(Proof.THERE, "", leads_here=True), nonce=made.nonce)


def test_a_wrong_name_is_told_beside_the_field(console: Client) -> None:
    answer = console.post(PAGE, {"domain": "co.uk"})
    assert answer.status_code == 422
    assert "Everybody can have a name below this one" in answer.content.decode()


def test_what_to_set_is_shown_to_be_copied(console: Client) -> None:
    assert console.post(PAGE, {"domain": HOST}).status_code == 302
    page = console.get(PAGE).content.decode()
    assert f"_nts-challenge.{HOST}" in page
    assert "nts-domain-verification=" in page


def test_looking_up_tells_what_is_missing(console: Client, settings: object) -> None:
    settings.DNS_RESOLVERS = ["127.0.0.1:9"]  # type: ignore[attr-defined]
    made = claim_domain(host=HOST, actor=SYSTEM)
    assert console.post(f"{PAGE}{made.pk}/check/").status_code == 302
    assert "fewer than two name servers" in console.get(PAGE).content.decode()


def test_an_inactive_domain_is_not_led_to(console: Client, tenant: TenantRef) -> None:
    made = claim_domain(host=HOST, actor=SYSTEM)
    answer = console.post(f"{PAGE}primary/", {"domain": str(made.pk)})
    assert (answer.status_code, "does not lead here yet" in answer.content.decode()) == (409, True)
    assert console.post(f"{PAGE}primary/", {"domain": "no id"}).status_code == 302


def test_a_domain_is_chosen_and_removed(console: Client, row: CustomDomain) -> None:
    assert console.post(f"{PAGE}primary/", {"domain": str(row.pk)}).status_code == 302
    assert "Primary" in console.get(PAGE).content.decode()
    assert console.post(f"{PAGE}{row.pk}/remove/").status_code == 302
    assert not CustomDomain.objects.filter(pk=row.pk).exists()


def test_an_auditor_looks_and_a_change_wants_a_fresh_proof(
    tenant: TenantRef, host: str, row: CustomDomain, console: Client
) -> None:
    auditor = signed_in_client(host, person(tenant, Role.AUDITOR, "Aude Auditor-Example"))
    page = auditor.get(PAGE)
    assert (page.status_code, "Add the domain" in page.content.decode()) == (200, False)
    assert auditor.post(f"{PAGE}{row.pk}/remove/").status_code == 403
    UserSession.objects.update(proved_at="2026-01-01T00:00:00Z")
    answer = console.post(f"{PAGE}{row.pk}/remove/")
    assert answer["Location"].startswith("/account/prove/")
    assert CustomDomain.objects.filter(pk=row.pk).exists()
